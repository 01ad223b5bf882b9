"""Takes a SQLite history away from all processes that have it open: nobody else can read or write meanwhile.

`python -m tests.history_away FILE` holds it until its input ends: the locks of one process do not keep out itself.
"""

import fcntl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_FIRST_LOCK: Final = 120  # of the locks that SQLite takes in its -shm file: write, checkpoint, recover, five of readers
_LOCKS: Final = 8
_SECONDS_TO_GET_IT: Final = 20


@contextmanager
def taken_away(history: Path) -> Iterator[None]:
    """For the time of the block."""
    command = [sys.executable, "-m", "tests.history_away", str(history)]
    root = Path(__file__).resolve().parents[1]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin and holder.stdout
        assert holder.stdout.readline() == "taken\n", "somebody else has it all the time"
        try:
            yield
        finally:
            holder.stdin.close()
            holder.wait(timeout=10)


def _hold(history: Path) -> None:
    """A lock on the file itself would not do: readers of a WAL ask for none there."""
    with history.with_name(f"{history.name}-shm").open("r+b") as shared:
        deadline = time.monotonic() + _SECONDS_TO_GET_IT
        while True:
            try:
                fcntl.lockf(shared, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCKS, _FIRST_LOCK)
                break
            except OSError:  # somebody reads or writes at this moment
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.0005)
        sys.stdout.write("taken\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    _hold(Path(sys.argv[1]))
