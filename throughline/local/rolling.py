"""Restarts processes one after the other, so that no request fails: each gets no more work before it stops.

NGINX keeps its master: SIGHUP gives it new workers with the current configuration, the port stays open, and the old
workers finish their requests. docs/decisions/rolling-restart.md says why, and why a replica gets no more requests
before it is stopped.
"""

import os
import signal
import time
from collections.abc import Container, Sequence
from typing import Final

from rich.console import Console

from throughline.local import build, change, configuration, session
from throughline.local.run import CannotRun, Run
from throughline.local.supervisor import Supervisor

_DRAIN_SECONDS: Final = 40  # NGINX's workers have 30 to finish
_POLL_SECONDS: Final = 0.05


def restart(run: Run, names: Sequence[str], console: Console) -> None:
    """Each is healthy again before the next one is touched."""
    build.note(run)
    for name in change.known(run, names):
        if name == "nginx" and Supervisor(run.socket).processes()[name].pid:
            build.note(run, nginx=True)
            _renew_nginx(run)
        elif name in run.replicas and len(run.replicas) > 1:
            _renew_nginx(run, drained={name})
            try:
                _stop_and_start(run, name, console)
            finally:
                _renew_nginx(run)
        else:
            _stop_and_start(run, name, console)


def _stop_and_start(run: Run, name: str, console: Console) -> None:
    change.stop(run, [name])
    change.start(run, [name], console)


def _renew_nginx(run: Run, drained: Container[str] = ()) -> None:
    """Returns when the last of the old workers has ended."""
    configuration.write_site(run, drained)
    master = Supervisor(run.socket).processes()["nginx"].pid
    if master is None:
        return
    before = _workers(run, master)
    os.kill(master, signal.SIGHUP)
    deadline = time.monotonic() + _DRAIN_SECONDS
    while before & (now := _workers(run, master)) or not now:
        if time.monotonic() > deadline:
            raise CannotRun(f"After {_DRAIN_SECONDS} s NGINX still has old workers: see its log.")
        time.sleep(_POLL_SECONDS)


def _workers(run: Run, master: int) -> set[int]:
    leader = Supervisor(run.socket).pid()
    members = session.members(leader) if leader is not None else []
    return {pid for pid in members if pid != master and _group(pid) == master}


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except OSError:
        return None
