"""Stops and starts single processes of a run, to try failures."""

import time
from collections.abc import Sequence
from typing import Final

from rich.console import Console

from throughline.local import waiting
from throughline.local.run import CannotRun, Run
from throughline.local.supervisor import Supervisor

_MARGIN_SECONDS: Final = 5  # beyond the time after which supervisor kills
_POLL_SECONDS: Final = 0.05


def stop(run: Run, names: Sequence[str]) -> None:
    """All at once; returns when they have ended."""
    supervisor = Supervisor(run.socket)
    for name in known(run, names):
        supervisor.stop(name)
    seconds = seconds_to_end(run)
    deadline = time.monotonic() + seconds
    while any(supervisor.processes()[name].pid for name in names):
        if time.monotonic() > deadline:
            raise CannotRun(f"After {seconds} s {', '.join(names)} have not ended.")
        time.sleep(_POLL_SECONDS)


def seconds_to_end(run: Run) -> int:
    """After which any process has been killed."""
    return max(35, run.worker_kill_seconds) + _MARGIN_SECONDS


def start(run: Run, names: Sequence[str], console: Console) -> None:
    """Returns when they are healthy."""
    for name in known(run, names):
        Supervisor(run.socket).start(name)
    waiting.until_healthy(run, names, console)


def known(run: Run, names: Sequence[str]) -> Sequence[str]:
    """The names; raises `CannotRun` for one that is no process of the run."""
    for name in names:
        if name not in run.names:
            raise CannotRun(f"There is no process {name}; there are {', '.join(run.names)}.")
    return names
