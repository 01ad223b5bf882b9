"""What is true of every pod of the chart, whatever part it is."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.chart.conftest import CHART
from tests.system.nine import ROOT

EVERYTHING = {"demo": {"enabled": True}, "worker": {"autoscaling": {"enabled": True}}}
KINDS = {"Deployment", "StatefulSet", "DaemonSet", "Job", "Pod"}
# A part of the chart → the service of compose that is its like.
LIKE = {"api": "fastapi", "history": "history-setup"}


def pods(objects: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name and the pod, or its template, of everything that runs."""
    for each in objects:
        if each["kind"] in KINDS:
            yield f"{each['kind']} {each['metadata']['name']}", each["spec"].get("template", each)


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def is_filebeat(pod: dict[str, Any]) -> bool:
    """It reads the node's files, in a namespace of its own."""
    return bool(pod["metadata"]["labels"]["app.kubernetes.io/component"] == "filebeat")


@pytest.fixture(scope="module")
def running(render) -> list[tuple[str, dict[str, Any]]]:
    found = list(pods(render(EVERYTHING)))
    assert len(found) >= 7
    return found


def test_every_pod_but_filebeats_keeps_the_restricted_standard(running):
    for name, pod in running:
        if is_filebeat(pod):
            continue
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), name
        assert [volume for volume in spec.get("volumes", []) if "hostPath" in volume] == [], name
        for container in containers(pod):
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False, name
            assert security["capabilities"] == {"drop": ["ALL"]}, name


def test_no_program_of_ours_is_the_first_of_its_namespace(running):
    """It would ignore a SIGTERM that comes while it starts."""
    own = [pod for _, pod in running if any(is_python(each) for each in containers(pod))]
    assert len(own) >= 6
    assert [pod for pod in own if not pod["spec"].get("shareProcessNamespace")] == []


def is_python(container: dict[str, Any]) -> bool:
    return any(f"/{part}:" in container["image"] for part in ("api", "worker", "monitor"))


def test_a_pod_writes_into_its_volumes_alone(running):
    own_code = {"elasticsearch", "kibana"}  # the first writes its keystore, the second optimises its own code
    for name, pod in running:
        for container in containers(pod):
            if container["name"] not in own_code:
                assert container["securityContext"]["readOnlyRootFilesystem"] is True, name


def test_no_pod_is_given_access_to_the_api_server_or_the_addresses_of_all_services(running):
    for name, pod in running:
        assert pod["spec"]["automountServiceAccountToken"] is False, name
        assert pod["spec"]["enableServiceLinks"] is False, name


def test_every_container_asks_for_what_it_needs_and_has_a_limit_of_memory(running):
    for name, pod in running:
        for container in containers(pod):
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
            assert "memory" in container["resources"]["limits"], name


def test_a_part_is_in_the_networks_that_it_is_in_under_compose(running):
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    for name, pod in running:
        labels = pod["metadata"]["labels"]
        part = labels["app.kubernetes.io/component"]
        networks = {label.removeprefix("throughline/network-") for label in labels if "/network-" in label}
        if LIKE.get(part, part) in services:
            assert networks == set(services[LIKE.get(part, part)]["networks"]), name


def test_every_image_is_named_by_a_value(render):
    given: dict[str, Any] = {"image": {"registry": "example.com"}}
    named = {f"example.com/throughline/{part}:own" for part in ("nginx", "api", "worker", "monitor")}
    given["image"]["tag"] = "own"

    def replace(defaults: dict[str, Any], into: dict[str, Any], path: str) -> None:
        for key, value in defaults.items():
            if isinstance(value, dict) and key != "image":
                replace(value, into.setdefault(key, {}), f"{path}/{key.lower()}")
            elif key == "image" and isinstance(value, str) and value:
                into[key] = f"example.com{path}:own"
                named.add(into[key])

    replace(yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8")), given, "")
    given["demo"]["enabled"] = True

    images = {container["image"] for _, pod in pods(render(given)) for container in containers(pod)}

    assert images <= named


def test_a_password_is_in_the_secret_and_nowhere_else(render):
    objects = render(EVERYTHING)
    secrets = [each for each in objects if each["kind"] == "Secret" and each["metadata"]["name"].endswith("passwords")]
    assert len(secrets) == 1
    passwords = secrets[0]["data"].values()
    assert len(set(passwords)) == len(passwords) > 8

    text = yaml.safe_dump_all([each for each in objects if each["kind"] != "Secret"])

    assert [value for value in passwords if value in text] == []
