"""A file to which several processes can append lines, and that does not grow for ever."""

import fcntl
import os
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 64 * 1024 * 1024


class AppendedLines:
    """Each `append` is one write of whole lines. A full file becomes `<name>.1`, replacing the one before."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes

    def append(self, lines: bytes) -> None:
        # Opened anew each time (a batch every 200 ms), so that no process goes on writing to a file moved away.
        file = self._opened()
        try:
            os.write(file, lines)
            if os.fstat(file).st_size > self._max_bytes:
                self._move_away(file)
        finally:
            os.close(file)

    def _opened(self) -> int:
        try:
            return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except FileNotFoundError:  # somebody has removed the folder
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def _move_away(self, file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)
        # A sibling process may have moved it while this one waited: its fresh file must not replace the full one.
        if os.fstat(file).st_ino == self._path.stat().st_ino:
            self._path.replace(self._path.with_name(self._path.name + ".1"))
