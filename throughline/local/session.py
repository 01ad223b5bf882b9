"""The processes of a run as the operating system sees them: supervisord's session, which outlives supervisord."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")


def members(leader: int) -> list[int]:
    """Every live process of the session, whichever parent it has by now."""
    return [pid for pid, _ in live_processes() if _session(pid) == leader]


def recorded_leader(var: Path) -> int | None:
    """supervisord's pid by its pid file. It may hang or have ended; the processes of its session still have to end."""
    path = var / "conf" / "supervisord.pid"
    try:
        written, leader = path.stat().st_mtime, int(path.read_text())
    except (OSError, ValueError):
        return None
    if written < time.time() - time.monotonic():  # before the machine started: the pid may be another process by now
        return None
    command = dict(live_processes()).get(leader)
    return leader if command is None or str(path.parent) in command else None


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def live_processes() -> Iterator[tuple[int, str]]:
    """pid and command line; without those that have ended and whose parents have not noticed."""
    # A small Linux has no ps, macOS no /proc.
    return _from_proc() if (_PROC / "self" / "stat").exists() else _from_ps()


def _from_proc() -> Iterator[tuple[int, str]]:
    for folder in _PROC.glob("[0-9]*"):
        try:
            state = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            command = (folder / "cmdline").read_text(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if state != "Z":
            yield int(folder.name), command


def _from_ps() -> Iterator[tuple[int, str]]:
    command_line = ["ps", "-axo", "pid=,stat=,command="]
    for line in subprocess.run(
        command_line, capture_output=True, text=True, check=True, timeout=10
    ).stdout.splitlines():
        pid, state, *command = line.split(maxsplit=2)
        if not state.startswith("Z"):
            yield int(pid), "".join(command)
