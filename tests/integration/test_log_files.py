"""A supervisord as the local run has it, with one process: its log files are private, and come back when removed."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from throughline.local import configuration, control_socket, session
from throughline.local.programs import Program
from throughline.local.run import Run
from throughline.local.supervisor import Supervisor, launch

TALKER = Program("talker", ("/bin/sh", "-c", "while echo word; do sleep 0.1; done"), log="log")


@pytest.fixture
def run(tmp_path: Path, wait_until: Callable[..., Any]) -> Iterator[Run]:
    var = tmp_path / "var"
    running = Run(str(var), 1, "redis://127.0.0.1:1/0", 1, 0, control_socket.path(var))
    for name in ("conf", "log"):
        (var / name).mkdir(parents=True)
    (var / "conf" / "supervisord.conf").write_text("\n".join(configuration.supervisord(running, {"all": [TALKER]})))
    control_socket.make_folder(running.socket)
    launch(running)
    leader = Supervisor(running.socket).pid()
    assert leader is not None, "it answers as soon as it is launched"
    yield running
    os.kill(leader, signal.SIGTERM)
    wait_until(lambda: not session.members(leader), 20, "it has ended")
    Path(running.socket).parent.rmdir()


@pytest.mark.parametrize("what", ["moved", "removed with their folder"])
def test_log_files_that_are_gone_are_written_again_and_are_private(run: Run, wait_until: Callable[..., Any], what: str):
    folder = run.folder / "log"
    wait_until((folder / "talker.log").exists, 20, "it writes")
    if what == "moved":
        for path in folder.iterdir():
            path.rename(run.folder / path.name)
    else:
        shutil.rmtree(folder)

    def written() -> bool:
        path = folder / "talker.log"
        return path.exists() and "word\n" in path.read_text()

    wait_until(written, 20, "its words are in a file of that name again")
    assert (folder / "supervisord.log").exists()
    for path in (*folder.iterdir(), run.folder / "conf" / "supervisord.pid"):
        assert path.stat().st_mode & 0o077 == 0, path
