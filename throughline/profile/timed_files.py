"""Files whose lines are in time: opens them, and finds the place in each where the time in question begins."""

from collections.abc import Callable
from contextlib import ExitStack
from io import BufferedReader
from pathlib import Path
from typing import Final

from throughline.journey import local_files
from throughline.profile.window import Window

_PROBE_BYTES: Final = 64 * 1024
_NEAR_BYTES: Final = 256 * 1024  # reading so much costs less than looking closer
_LATE_NS: Final = 5 * 10**9  # a line is written this long after what it tells of has ended, at most

Latest = Callable[[bytes], int | None]  # the latest time that is told in a part of a file


def opened(folder: Path, stack: ExitStack) -> list[BufferedReader]:
    """Each file once, as it is when all are opened."""
    return [stack.enter_context(BufferedReader(file)) for file in local_files.opened(folder, stack)]


def seek(file: BufferedReader, window: Window, most_bytes: int | None, latest: Latest) -> bool:
    """Goes to the first line to read. Whether that is all that there is of the time."""
    size = file.seek(0, 2)
    all_of_it = begin = _position(file, size, window.since_ns, latest)
    if most_bytes is not None:
        begin = max(begin, _position(file, size, window.until_ns, latest) - most_bytes)
    file.seek(begin)
    if begin:
        file.readline()  # the rest of a line
    return begin == all_of_it


def _position(file: BufferedReader, size: int, time_ns: int, latest: Latest) -> int:
    """A place in the file before which everything had ended by that time; found by halves, as lines are in time."""
    low, high = 0, size
    while high - low > _NEAR_BYTES:
        middle = (low + high) // 2
        file.seek(middle)
        found = latest(file.read(_PROBE_BYTES))
        if found is not None and found < time_ns - _LATE_NS:
            low = middle
        else:
            high = middle
    return low
