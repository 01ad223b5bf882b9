"""Who reaches whom: the three networks, seen from pods that must not get through."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.release import Release

Wait = Callable[..., Any]
PORTS = {"redis": 6379, "postgres": 5432, "api-blue": 8000, "page": 8084, "elasticsearch": 9200}
STRANGER = "stranger"
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)
    print("through")
except OSError as error:
    print(type(error).__name__)
"""


def reaches(cluster: Cluster, namespace: str, pod: str, address: str) -> bool:
    """Whether a process in the pod is let through. A name that it cannot look up would be another failure."""
    host, _, port = address.rpartition(":")
    said = cluster.kubectl("exec", "-n", namespace, pod, "--", "python", "-c", CONNECT, host, port).strip()
    assert said in {"through", "TimeoutError", "ConnectionRefusedError"}, f"{pod} asked {host}: {said}"
    return said == "through"


@pytest.fixture(scope="module")
def elsewhere(release: Release) -> Iterator[str]:
    """A namespace beside the release's."""
    name = f"{release.namespace}-elsewhere"
    release.cluster.make_namespace(name)
    yield name
    release.cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module", params=["beside the release", "in another namespace"])
def stranger(request: pytest.FixtureRequest, release: Release, elsewhere: str) -> Iterator[str]:
    """The namespace of a pod that is none of the release's."""
    namespace = release.namespace if request.param == "beside the release" else elsewhere
    image = release.pods("monitor")[0].found["spec"]["containers"][0]["image"]
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {"name": STRANGER, "image": image, "command": ["sleep", "1000"], "securityContext": security}
    spec = {
        "containers": [container],
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10000, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": STRANGER}, "spec": spec}
    kubectl = release.cluster.kubectl
    kubectl("apply", "-n", namespace, "-f", "-", text=json.dumps(pod))
    kubectl("wait", "-n", namespace, f"pod/{STRANGER}", "--for=condition=Ready", "--timeout=120s", seconds=150)
    yield namespace
    kubectl("delete", "-n", namespace, "pod", STRANGER, "--wait=false")


def address(release: Release, part: str, port: int) -> str:
    return f"{release.name}-{part}.{release.namespace}.svc.cluster.local:{port}"


def test_a_stranger_reaches_nginx_and_nothing_else(release: Release, stranger: str, wait_until: Wait):
    nginx = address(release, "nginx", 80)
    wait_until(lambda: reaches(release.cluster, stranger, STRANGER, nginx), 60, "a stranger reaches NGINX")

    through = {
        part: reaches(release.cluster, stranger, STRANGER, address(release, part, port)) for part, port in PORTS.items()
    }

    assert through == dict.fromkeys(PORTS, False)


def test_a_part_reaches_those_that_it_shares_a_network_with(release: Release):
    api, monitor = release.pods("api")[0].name, release.pods("monitor")[0].name
    expected = {"redis": (True, True), "postgres": (True, True), "elasticsearch": (False, True)}

    through = {
        part: tuple(
            reaches(release.cluster, release.namespace, pod, address(release, part, PORTS[part]))
            for pod in (api, monitor)
        )
        for part in expected
    }

    assert through == expected


def test_no_pod_of_the_release_reaches_the_api_server(release: Release):
    pod = release.pods("api")[0].name

    assert not reaches(release.cluster, release.namespace, pod, "kubernetes.default.svc.cluster.local:443")
