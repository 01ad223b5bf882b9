"""deploy/node_name.py gives a container's processes a name, and asks nobody where they have one."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "node_name.py"
# A program may be told of everything that the interpreter does; this one ends at the first word to the network.
OFFLINE = """
import runpy, sys
def refuse(event, _):
    if event.startswith("socket."):
        raise SystemExit(f"asked the network: {event}")
sys.addaudithook(refuse)
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""


def told(name: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", OFFLINE, str(SCRIPT), "/bin/sh", "-c", 'echo "$SERVICE_NODE_NAME"']
    environment = {"PATH": "/usr/bin:/bin", "SERVICE_NODE_NAME": name}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_a_name_that_is_given_is_kept_without_a_question_to_the_name_server():
    assert told("worker-7f9c-x2x4b").stdout == "worker-7f9c-x2x4b\n"


def test_without_one_the_name_server_is_asked():
    assert "asked the network" in told("").stderr
