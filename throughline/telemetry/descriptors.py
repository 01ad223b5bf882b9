"""Notices that a process has hardly any file descriptor left: then it takes no connection, and nothing says so.

Its event loop goes on and drops who connects, or lets them wait.
"""

import asyncio
import errno
import logging
import os
import resource
import time
from typing import Final

EVERY_SECONDS: Final = 1.0
_SPARE: Final = 8  # with fewer it says so: the rest is for those who ask how it is

_logger = logging.getLogger("throughline.process")


class Descriptors:
    """`look()` every second or so; one line when they run short, one when there are enough again."""

    def __init__(self) -> None:
        self._short_since: float | None = None

    @property
    def are_short(self) -> bool:
        """As of the latest look."""
        return self._short_since is not None

    def look(self) -> None:
        if self._can_open():
            if self._short_since is not None:
                seconds = time.monotonic() - self._short_since
                _logger.warning("There are file descriptors again: they were short for %.0f s", seconds)
                self._short_since = None
        elif self._short_since is None:
            self._short_since = time.monotonic()
            limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            _logger.error(
                "Out of file descriptors: fewer than %d of %d are free, so that no connection or file may be opened. "
                "Raise the limit (ulimit -n), or see who holds so many connections",
                _SPARE,
                limit,
            )

    async def watch(self) -> None:
        """Goes on until it is cancelled."""
        while True:
            self.look()
            await asyncio.sleep(EVERY_SECONDS)

    @staticmethod
    def _can_open() -> bool:
        opened: list[int] = []
        try:
            while len(opened) < _SPARE:
                opened.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            return error.errno not in {errno.EMFILE, errno.ENFILE}
        finally:
            for each in opened:
                os.close(each)
        return True
