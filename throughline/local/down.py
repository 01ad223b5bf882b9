"""Ends every process of a run, in order, and leaves none behind."""

import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from rich.console import Console

from throughline.local import control_socket, lock, session
from throughline.local.run import Run, var_dir
from throughline.local.supervisor import Supervisor

_OTHERS_SECONDS: Final = 115  # stages of at most 35 s, one after the other, beside that of the workers
_WARNED_SECONDS: Final = 35
_KILLED_SECONDS: Final = 5
_POLL_SECONDS: Final = 0.05


def down(console: Console) -> bool:
    """True when something ran."""
    var = var_dir()
    with lock.held(var, "down"):
        ran = end_all(var, console)
        lock.remove(var)
        return ran


def left_behind(var: Path) -> list[int]:
    """The processes of a run whose supervisord has ended without them, or is about to end."""
    leader = session.recorded_leader(var)
    return session.members(leader) if leader is not None else []


def end_all(var: Path, console: Console) -> bool:
    """By the holder of the lock."""
    run = Run.recorded(var)
    socket = run.socket if run else control_socket.path(var)  # var may have been removed meanwhile
    leader = Supervisor(socket).pid() or session.recorded_leader(var)
    if leader is None or not session.members(leader):
        return False
    orderly = _OTHERS_SECONDS + (run.worker_kill_seconds if run else _WARNED_SECONDS)
    with console.status("Stopping: first no more requests, then no more tasks, then Redis …"):
        _signal([leader], signal.SIGTERM)
        _wait(lambda: _ended(leader, socket), orderly)
        # Processes that supervisord left behind because it was itself killed: nobody else would end them.
        for warning, seconds in ((signal.SIGTERM, _WARNED_SECONDS), (signal.SIGKILL, _KILLED_SECONDS)):
            _signal(session.members(leader), warning)
            _wait(lambda: not session.members(leader), seconds)
    Path(socket).unlink(missing_ok=True)
    return True


def _ended(leader: int, socket: str) -> bool:
    Supervisor(socket).pid()  # a call wakes it; otherwise it checks its children only once a second
    return leader not in session.members(leader)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
