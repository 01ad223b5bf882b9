"""Restarts processes one after the other, so that no request fails: each gets no more work before it stops.

NGINX keeps its master: SIGHUP gives it new workers with the current configuration, the port stays open, and the old
workers finish their requests. docs/decisions/rolling-restart.md says why, and why a replica gets no more requests
before it is stopped. What a restart has begun is noted in a file, so that whoever comes after one that was killed can
put it right.
"""

import os
import signal
import time
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from rich.console import Console

from throughline.local import build, change, configuration, private_file, session
from throughline.local.run import CannotRun, Run
from throughline.local.supervisor import Supervisor

_DRAIN_SECONDS: Final = 40  # NGINX's workers have 30 to finish
_POLL_SECONDS: Final = 0.05


def restart(run: Run, names: Sequence[str], console: Console) -> None:
    """Each is healthy again before the next one is touched. By the holder of the lock, who has put the run right."""
    change.known(run, names)
    build.note(run)
    for name in names:
        if name == "nginx" and Supervisor(run.socket).processes()[name].pid:
            build.note(run, nginx=True)
            _renew_nginx(run)
        else:
            with _undone_when_ended(run, console):
                _restart_one(run, name, console)


def unfinished(run: Run) -> str | None:
    """The process that a restart is at work on, or was when it was killed; NGINX may give it no requests."""
    with suppress(OSError):
        name = _note(run).read_text(encoding="utf-8")
        return name if name in run.names else None
    return None


def put_right(run: Run) -> None:
    """Undoes what a restart has left: the process runs, and gets requests. By the holder of the lock."""
    name = unfinished(run)
    if name is None:
        return
    _start(run, name)
    _tell_nginx(run)
    forget(run)


def forget(run: Run) -> None:
    """What was begun is done, or of a run that has ended."""
    _note(run).unlink(missing_ok=True)


def _restart_one(run: Run, name: str, console: Console) -> None:
    is_drained = name in run.replicas and len(run.replicas) > 1
    private_file.write(_note(run), name)
    if is_drained:
        _renew_nginx(run, drained={name})
    change.stop(run, [name])
    change.start(run, [name], console)
    if is_drained:
        _renew_nginx(run)
    forget(run)


@contextmanager
def _undone_when_ended(run: Run, console: Console) -> Iterator[None]:
    """What ends this command (a signal, a process that does not become healthy) leaves no replica without requests."""
    try:
        yield
    except BaseException:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # once is enough
        with suppress(OSError):  # its terminal may be closed
            console.print("The restart is being undone …")
        with suppress(CannotRun):  # the next command does it
            put_right(run)
        raise


def _start(run: Run, name: str) -> None:
    supervisor, deadline = Supervisor(run.socket), time.monotonic() + change.seconds_to_end(run)
    while supervisor.processes()[name].state == "STOPPING":
        if time.monotonic() > deadline:
            raise CannotRun(f"{name} does not end: `throughline down` ends it.")
        time.sleep(_POLL_SECONDS)
    supervisor.start(name)


def _note(run: Run) -> Path:
    return run.folder / "conf" / "restarting"


def _renew_nginx(run: Run, drained: Container[str] = ()) -> None:
    """Returns when the last of the old workers has ended."""
    master = Supervisor(run.socket).processes()["nginx"].pid
    before = set() if master is None else _workers(run, master)
    _tell_nginx(run, drained)
    if master is None:
        return
    deadline = time.monotonic() + _DRAIN_SECONDS
    while before & (now := _workers(run, master)) or not now:
        if time.monotonic() > deadline:
            raise CannotRun(f"After {_DRAIN_SECONDS} s NGINX still has old workers: see its log.")
        time.sleep(_POLL_SECONDS)


def _tell_nginx(run: Run, drained: Container[str] = ()) -> None:
    configuration.write_site(run, drained)
    master = Supervisor(run.socket).processes()["nginx"].pid
    if master is not None:
        with suppress(ProcessLookupError):  # it has just ended, and reads the new one when it starts
            os.kill(master, signal.SIGHUP)


def _workers(run: Run, master: int) -> set[int]:
    leader = Supervisor(run.socket).pid()
    members = session.members(leader) if leader is not None else []
    return {pid for pid in members if pid != master and _group(pid) == master}


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except OSError:
        return None
