"""Takes a SQLite history away from all processes that have it open: nobody else can read or write meanwhile."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_FIRST_LOCK: Final = 120  # of the locks that SQLite takes in its -shm file: write, checkpoint, recover, five of readers
_LOCKS: Final = 8


@contextmanager
def taken_away(history: Path, seconds_to_get_it: float = 10) -> Iterator[None]:
    """For the time of the block. A lock on the file itself would not do: readers of a WAL ask for none there."""
    with history.with_name(f"{history.name}-shm").open("r+b") as shared:
        deadline = time.monotonic() + seconds_to_get_it
        while True:
            try:
                fcntl.lockf(shared, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCKS, _FIRST_LOCK)
                break
            except OSError:  # somebody reads or writes at this moment
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.001)
        yield
