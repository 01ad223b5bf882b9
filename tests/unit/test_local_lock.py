"""Of two commands that change a run one waits for the other, and says for which."""

import os
from pathlib import Path
from threading import Thread

import pytest

from throughline.local import lock
from throughline.local.run import CannotRun


def test_the_holder_is_known_by_its_command_and_pid_while_it_holds(tmp_path: Path):
    assert lock.holder(tmp_path) is None
    with lock.held(tmp_path, "up"):
        assert lock.holder(tmp_path) == f"`throughline up` (pid {os.getpid()})"
    assert lock.holder(tmp_path) is None
    lock.remove(tmp_path)


def test_a_second_command_waits_and_says_for_which_also_when_the_first_removes_the_lock(
    tmp_path: Path, wait_until, capsys: pytest.CaptureFixture[str]
):
    order: list[str] = []

    def second() -> None:
        with lock.held(tmp_path, "up"):
            order.append("second")

    with lock.held(tmp_path, "down"):
        waiting = Thread(target=second)
        waiting.start()
        wait_until(lambda: "Waiting until `throughline down` (pid " in capsys.readouterr().err, 20, "it waits")
        order.append("first")
        lock.remove(tmp_path)
    waiting.join(20)
    assert order == ["first", "second"]
    lock.remove(tmp_path)


def test_who_waits_too_long_is_told_who_is_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lock, "_WAIT_SECONDS", 0)
    with (
        lock.held(tmp_path, "restart"),
        pytest.raises(CannotRun, match=r"`throughline restart` \(pid \d+\) is still at work"),
        lock.held(tmp_path, "down"),
    ):
        pass
    lock.remove(tmp_path)
