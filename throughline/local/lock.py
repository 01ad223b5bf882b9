"""One command at a time changes a run; the others wait for it, and say for which."""

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from throughline.local import control_socket
from throughline.local.run import CannotRun

_WAIT_SECONDS: Final = 180  # `down` may take as long
_POLL_SECONDS: Final = 0.05


@contextmanager
def held(var: Path, command: str) -> Iterator[None]:
    """`CannotRun` when another command has not ended after three minutes. The lock ends with its process."""
    file = _acquired(var)
    os.ftruncate(file, 0)
    os.write(file, f"`throughline {command}` (pid {os.getpid()})".encode())
    try:
        yield
    finally:
        os.close(file)


def holder(var: Path) -> str | None:
    """The command that is at work on the run, for people to read."""
    with suppress(FileNotFoundError):
        file = os.open(_path(var), os.O_RDWR)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _written(file)
        finally:
            os.close(file)
    return None


def remove(var: Path) -> None:
    """The file and its folder, by the command that holds it; who waits for it notices."""
    with suppress(OSError):
        _path(var).unlink(missing_ok=True)
        _path(var).parent.rmdir()


def _acquired(var: Path) -> int:
    deadline, told = time.monotonic() + _WAIT_SECONDS, False
    while True:
        file = _opened(var)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file).st_nlink:  # else it was removed by the command that held it
                return file
            os.close(file)
            continue
        except BlockingIOError:
            other = _written(file)
            os.close(file)
        if time.monotonic() > deadline:
            raise CannotRun(f"{other} is still at work after {_WAIT_SECONDS} s.")
        if not told:
            told = True
            print(f"Waiting until {other} has done its work …", file=sys.stderr)
        time.sleep(_POLL_SECONDS)


def _opened(var: Path) -> int:
    while True:
        control_socket.make_folder(control_socket.path(var))
        with suppress(FileNotFoundError):  # its folder was removed just then
            return os.open(_path(var), os.O_RDWR | os.O_CREAT, 0o600)


def _path(var: Path) -> Path:
    return Path(control_socket.path(var)).with_name("lock")


def _written(file: int) -> str:
    return os.pread(file, 200, 0).decode(errors="replace") or "another command"
