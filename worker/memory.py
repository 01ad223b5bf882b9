"""How much memory a process has resident, and whether the system killed one for want of it: as Linux tells in /proc.

Elsewhere nobody knows without a library: None, and a process that was killed is told by its signal.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
# Of the container, by cgroup v2 and v1; of the whole machine.
_KILLS: Final = (
    Path("/sys/fs/cgroup/memory.events"),
    Path("/sys/fs/cgroup/memory/memory.oom_control"),
    Path("/proc/vmstat"),
)


def resident(process: int) -> int | None:
    """In bytes; None for a process that is gone, and where there is no /proc."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return None


def kills(files: tuple[Path, ...] = _KILLS) -> int:
    """How many processes the system has killed so far for want of memory: the first of the files that says it."""
    for file in files:
        with suppress(OSError, ValueError):
            for line in file.read_text(encoding="ascii").splitlines():
                name, _, number = line.partition(" ")
                if name == "oom_kill":
                    return int(number)
    return 0
