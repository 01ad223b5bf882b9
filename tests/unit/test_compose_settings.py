"""Every setting that a process reads reaches its container, with a value that the process takes."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from tests.system.nine import ROOT
from throughline.local.programs import Program
from throughline.settings import (
    ApiSettings,
    LocalSettings,
    MonitorSettings,
    NginxSettings,
    NineSettings,
    PlaneSettings,
    WorkerSettings,
)
from throughline.settings.environment import EnvironmentSettings

TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
SERVICES = yaml.safe_load(TEXT)["services"]
READERS: dict[str, type[EnvironmentSettings]] = {
    "nginx": NginxSettings,
    "fastapi": ApiSettings,
    "worker": WorkerSettings,
    "monitor": MonitorSettings,
    "dashboards": PlaneSettings,
}
# What a container is given in another way, or is given another value for.
OTHERWISE = {
    "SERVICE_NODE_NAME": "each container of a service has a name of its own",
    "MONITOR_PORT": "the port outside; inside it is always the same",
    "API_KEYS_FILE": "the file is mounted where every container finds it",
}
OWN_USER = {"ELASTICSEARCH_USER", "ELASTICSEARCH_PASSWORD"}  # each program of the plane has a user of its own
PASSWORDS = dict.fromkeys(re.findall(r"\$\{(\w+PASSWORD\w*|\w+_KEY)\W", TEXT), "secret")


def resolved(value: object, environment: Mapping[str, str]) -> str:
    """As compose fills `${NAME:-default}`, `${NAME:?message}` and `${NAME:+other}`, the innermost first."""

    def fill(found: re.Match[str]) -> str:
        name, operator, word = found[1], found[2], found[3]
        given = environment.get(name, "")
        if operator == ":+":
            return word if given else ""
        return given or (word if operator == ":-" else "")

    text = str(value)
    while (filled := re.sub(r"\$\{(\w+)(:[-?+])?([^{}]*)\}", fill, text)) != text:
        text = filled
    return text


def environment_of(service: str, environment: Mapping[str, str]) -> dict[str, str]:
    """What its container gets. A name without a value is passed on when it is set."""
    declared: dict[str, Any] = SERVICES[service]["environment"]
    return {
        name: environment[name] if value is None else resolved(value, environment)
        for name, value in declared.items()
        if value is not None or name in environment
    }


@pytest.mark.parametrize("service", READERS)
def test_what_is_set_outside_arrives_in_the_container(service):
    names = {name.upper() for name in READERS[service].model_fields} - OTHERWISE.keys()
    if service == "dashboards":
        names -= OWN_USER
    given = {name: f"own-{name}" for name in names}

    got = environment_of(service, PASSWORDS | given)

    assert {name: got.get(name) for name in names} == given


@pytest.mark.parametrize("service", ["fastapi", "worker", "monitor"])
def test_a_container_is_given_nothing_that_its_process_does_not_read(service):
    assert {name.lower() for name in SERVICES[service]["environment"]} <= READERS[service].model_fields.keys()


@pytest.mark.parametrize("service", READERS)
def test_a_container_whose_settings_nobody_set_is_given_ones_that_its_process_takes(service, monkeypatch):
    for name in NineSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment_of(service, PASSWORDS).items():
        monkeypatch.setenv(name, value)

    READERS[service]()


def test_keys_for_callers_are_mounted_where_the_containers_look_for_them():
    for service in ("fastapi", "monitor"):
        assert environment_of(service, {"API_KEYS_FILE": "/etc/keys"})["API_KEYS_FILE"] == "/run/api-keys"
        assert resolved(SERVICES[service]["volumes"][0], {"API_KEYS_FILE": "/etc/keys"}) == "/etc/keys:/run/api-keys:ro"


@pytest.mark.parametrize("name", LocalSettings.model_fields)
def test_what_is_set_for_a_local_run_is_heard_by_the_stack_too(name):
    assert re.search(rf"\$\{{{name.upper()}:|^ +{name.upper()}:", TEXT, re.MULTILINE)


def test_docker_and_supervisor_wait_equally_long_for_the_others():
    local = {field.name: field.default for field in dataclasses.fields(Program)}["stop_seconds"]

    assert {SERVICES[service]["stop_grace_period"] for service in ("nginx", "fastapi")} == {f"{local}s"}


def test_no_program_of_ours_is_the_first_of_its_container():
    """It would ignore a SIGTERM that comes while it starts."""
    images = {f"throughline/{part}" for part in ("api", "worker", "monitor")}
    own = {name: service for name, service in SERVICES.items() if service.get("image") in images}
    assert len(own) >= 6
    assert [name for name, service in own.items() if service.get("init") is not True] == []


@pytest.mark.parametrize("seconds", ["", "120"])
def test_docker_waits_for_a_worker_as_long_as_the_worker_believes(seconds):
    given = {"WORKER_KILL_SECONDS": seconds} if seconds else {}
    expected = int(seconds or WorkerSettings.model_fields["worker_kill_seconds"].default)

    assert resolved(SERVICES["worker"]["stop_grace_period"], given) == f"{expected}s"
