"""Follows the files of a folder: each line once, also while files are rotated, removed, emptied or new.

A file is known by its inode and stays open until it has been read to its end and is no longer in the folder, so that
what was written before a rotation is not lost, and nothing is read a second time under the file's next name.
"""

import heapq
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, Final

from throughline.journey.local_files import written_lines
from throughline.journey.one_clock import OFFSET
from throughline.journey.search import parsed

_BLOCK_BYTES: Final = 256 * 1024
_PROBE_BYTES: Final = 64 * 1024
_PATIENCE: Final = 10  # looks
_MOST_BYTES: Final = 1024 * 1024  # of a line that does not end: what is no log line is left out
_TIME: Final = re.compile(rb'"@timestamp": ?"([^"]{19,40})"')
_OFFSET: Final = f'"{OFFSET}":'.encode()
_AHEAD: Final = re.compile(_OFFSET + rb" ?(-?[0-9]{1,12}(?:\.[0-9]{1,6})?)")


class FollowedFiles:
    """`since`: where to begin in the files that are there; without it, at their ends."""

    def __init__(self, folder: Path, since: datetime | None = None, most_bytes: int | None = None) -> None:
        self._folder = folder
        self._since = since.timestamp() if since else 0.0
        self._files: dict[tuple[int, int], _File] = {}
        for file in self._opened():
            file.begin(since, most_bytes)

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def so_far(self) -> Iterator[bytes]:
        """What is there already, in the order of time; to be read to its end, once, before the first `poll`."""
        lines = heapq.merge(*(file.lines() for file in self._files.values()), key=time_in)
        yield from (line for line in lines if time_in(line) >= self._since)

    def poll(self) -> list[bytes]:
        """The whole lines that were written since the last call, in the order of time."""
        for _ in self._opened():
            pass  # a new file is read from its beginning
        here = set(map(_identity_of, written_lines(self._folder)))
        found: list[bytes] = []
        for identity, file in list(self._files.items()):
            found += file.lines()
            if file.is_gone(is_listed=identity in here):
                self._files.pop(identity).close()
        return sorted(found, key=time_in)

    def _opened(self) -> Iterator["_File"]:
        for path in written_lines(self._folder):
            with suppress(OSError):
                file = FileIO(path)
                stat = os.fstat(file.fileno())
                identity = stat.st_dev, stat.st_ino
                if identity in self._files:
                    file.close()
                else:
                    self._files[identity] = _File(file)
                    yield self._files[identity]


class _File:
    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._at = 0
        self._begun = bytearray()  # a line that is not finished yet
        self._unlisted = 0

    def is_gone(self, *, is_listed: bool) -> bool:
        """Whether it was removed, or was not found for a while: it may be renamed just when the folder is listed."""
        self._unlisted = 0 if is_listed else self._unlisted + 1
        return self._unlisted > _PATIENCE or os.fstat(self._file.fileno()).st_nlink == 0

    def close(self) -> None:
        self._file.close()

    def begin(self, since: datetime | None, most_bytes: int | None) -> None:
        size = self._file.seek(0, os.SEEK_END)
        self._at = size if since is None else self._position(since, size)
        if most_bytes is not None:
            self._at = max(self._at, size - most_bytes)
        if not self._at:
            return
        # The line in which that place lies is left out; at the end of the file that is one still being written.
        self._at = self._file.seek(self._at - 1)
        before = self._at
        for block in self._blocks():
            end = block.find(b"\n")
            if end >= 0:
                self._at = before + end + 1
                return
            before += len(block)
        if since is None:
            self._begun += b"{"  # the rest of it makes no line

    def lines(self) -> Iterator[bytes]:
        with suppress(OSError):
            if os.fstat(self._file.fileno()).st_size < self._at:  # it was emptied
                self._at, self._begun = 0, bytearray()
            for block in self._blocks():
                *whole, rest = block.split(b"\n")
                for line in whole:
                    self._begun += line
                    if self._begun:
                        yield bytes(self._begun)
                    self._begun = bytearray()
                self._begun += rest
                if len(self._begun) > _MOST_BYTES:
                    self._begun = bytearray()

    def _blocks(self) -> Iterator[bytes]:
        """From where the last one ended to where the file ends now."""
        end = os.fstat(self._file.fileno()).st_size
        while self._at < end:
            block = os.pread(self._file.fileno(), min(_BLOCK_BYTES, end - self._at), self._at)
            if not block:
                return
            self._at += len(block)
            yield block

    def _position(self, since: datetime, size: int) -> int:
        """A place before which all lines are older, found by halves, as lines are in time."""
        low, high, wanted = 0, size, since.timestamp() - 1
        while high - low > _PROBE_BYTES:
            middle = (low + high) // 2
            probe = os.pread(self._file.fileno(), _PROBE_BYTES, middle)
            times = _TIME.findall(probe)
            if times and _seconds(times[0]) - _ahead(probe) < wanted:
                low = middle
            else:
                high = middle
        return low


def time_in(line: bytes) -> float:
    """When it was written, in seconds since 1970 by Redis's clock where it says that; 0 for what is no log line."""
    found = _TIME.search(line)
    return _seconds(found[1]) - _ahead(line) if found else 0.0


def _ahead(text: bytes) -> float:
    """How far the clock was ahead by which it was written; most lines say nothing."""
    found = _AHEAD.search(text) if _OFFSET in text else None
    return float(found[1]) / 1000 if found else 0.0


def _seconds(text: bytes) -> float:
    with suppress(ValueError):
        at = datetime.fromisoformat(text.decode(errors="replace"))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return 0.0


def _identity_of(path: Path) -> tuple[int, int]:
    with suppress(OSError):
        stat = path.stat()
        return stat.st_dev, stat.st_ino
    return 0, 0


def fields_of(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Without what is no log line: a traceback, or a line that was cut off."""
    return filter(None, map(parsed, lines))
