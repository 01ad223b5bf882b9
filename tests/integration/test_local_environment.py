"""What is set for a local run reaches each of its processes unchanged, whatever characters are in it."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from throughline.local import configuration, control_socket
from throughline.local.programs import Program
from throughline.local.run import Run
from throughline.local.supervisor import Supervisor, launch

VALUES = {
    "READER": "100% of %(ENV_HOME)s %% and %s",
    "QUOTES": "a 'b' \"c\" \\d; # e, f=g",
    "SHELL": "$HOME ${HOME} `id` ~",
    "LINES": "first\nsecond = third",
    "WORDS": "Zürich 株",
}
PRINTS = "import os, json, sys, time; open(sys.argv[1], 'w').write(json.dumps(dict(os.environ))); time.sleep(60)"


@pytest.fixture
def run(tmp_path: Path):
    """A run without any of the nine."""
    run = Run(str(tmp_path), 8080, "redis://127.0.0.1:6379/0", 1, 0, control_socket.path(tmp_path))
    control_socket.make_folder(run.socket)
    for name in ("conf", "log"):
        (tmp_path / name).mkdir()
    yield run
    if pid := Supervisor(run.socket).pid():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def test_supervisor_passes_on_what_it_was_given(run: Run, tmp_path: Path, monkeypatch, wait_until):
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)
    printed = tmp_path / "environment.json"
    program = Program("worker-1", (sys.executable, "-c", PRINTS, str(printed)), stop_seconds=7)
    lines = configuration.supervisord(run, {"workers": [program]})
    (tmp_path / "conf" / "supervisord.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")

    launch(run)

    wait_until(lambda: printed.exists() and printed.stat().st_size > 0, 20, "the program has written its environment")
    got = orjson.loads(printed.read_bytes())
    assert {name: got.get(name) for name in VALUES} == VALUES
    assert got["REDIS_URL"] == run.redis_url
    assert got["SERVICE_NODE_NAME"] == "worker-1"
