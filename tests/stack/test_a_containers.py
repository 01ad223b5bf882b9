"""What each container is and may do."""

import json
import time
from collections.abc import Callable

import pytest

from tests.stack.load import send
from tests.stack.stack import NINE, PLANE, Stack

Wait = Callable[..., object]


def test_the_nine_and_the_plane_run_under_their_names(stack: Stack):
    single = {f"{name}-1" for name in (*NINE, *PLANE) if not name[-1].isdigit()}
    numbered = {name for name in NINE if name[-1].isdigit()}
    assert set(stack.names()) == single | numbered


@pytest.mark.parametrize("name", [*NINE, *PLANE])
def test_a_container_has_limits_no_privileges_and_logs_that_rotate(stack: Stack, name: str):
    found = stack.inspect(name)
    host = found["HostConfig"]

    assert host["Memory"] > 0
    assert host["NanoCpus"] > 0
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"]["Config"] == {"max-size": "20m", "max-file": "5", "tag": "{{.Name}}"}
    assert host["ReadonlyRootfs"] is (name != "elasticsearch")
    assert (found["Config"]["User"] in {"", "0", "root"}) is (name == "filebeat")
    for bindings in host["PortBindings"].values():
        assert [binding["HostIp"] for binding in bindings] == ["127.0.0.1"]


def test_the_api_image_has_the_package_and_no_numpy(stack: Stack):
    program = "import importlib.metadata as m; print(m.version('throughline')); import numpy"
    answer = stack.docker(
        "exec", stack.container("fastapi-1"), "sh", "-c", f'python -c "{program}" 2>&1 | sed -n "1p;$ p"'
    )
    version, last = answer.splitlines()
    assert version == json.loads(_health(stack))["version"]
    assert last == "ModuleNotFoundError: No module named 'numpy'"


def test_up_again_changes_nothing(stack: Stack):
    before = [stack.inspect(name)["Id"] for name in (*NINE, *PLANE)]
    stack.up()
    assert [stack.inspect(name)["Id"] for name in (*NINE, *PLANE)] == before


def test_replicas_follow_one_variable_and_nginx_finds_them(stack: Stack, wait_until: Wait):
    stack.up(API_REPLICAS="5", WORKER_REPLICAS="2")
    assert {"fastapi-5", "worker-2"} < set(stack.names())
    assert "worker-3" not in stack.names()
    wait_until(lambda: len(_asked(stack)) == 5, 20, "NGINX asks five replicas")

    stack.up(API_REPLICAS="1", WORKER_REPLICAS="1")
    assert not {"fastapi-2", "worker-2"} & set(stack.names())
    wait_until(lambda: len(_asked(stack)) == 1, 20, "NGINX asks one replica")
    load = send(stack, f"SCALED-{time.time_ns()}", 20, 50)
    assert load.refused == []

    stack.up()
    wait_until(lambda: len(_asked(stack)) == 3, 20, "NGINX asks three replicas")


def _asked(stack: Stack) -> set[str]:
    """The replicas that answer a dozen requests in a row."""
    before = len(stack.printed("nginx"))
    for _ in range(12):
        _health(stack)
    time.sleep(0.2)
    lines = stack.printed("nginx")[before:]
    return {line["upstream.address"] for line in lines if line["url.path"] == "/health"}


def _health(stack: Stack) -> str:
    with stack.http() as client:
        return client.get("/health").text
