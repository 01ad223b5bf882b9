"""Where supervisor's socket lies: on a short path, in a folder that is the user's alone."""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

from throughline.local.run import CannotRun

_LONGEST: Final = 100  # macOS allows 103 bytes, Linux 107


def path(var: Path) -> str:
    """One for each var folder; not inside it, which may be deeper than a socket's path can be long."""
    name = f"throughline-{os.geteuid()}-{hashlib.sha256(str(var).encode()).hexdigest()[:12]}/supervisor.sock"
    in_temporary_folder = str(Path(tempfile.gettempdir()) / name)
    return in_temporary_folder if len(in_temporary_folder) <= _LONGEST else f"/tmp/{name}"  # noqa: S108


def make_folder(socket: str) -> None:
    """Raises `CannotRun` for one that someone else has made there, to listen in."""
    folder = Path(socket).parent
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise CannotRun(
            f"{folder}, for supervisor's socket, cannot be made: {error.strerror}. TMPDIR moves it."
        ) from None
    status = folder.lstat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise CannotRun(f"{folder} belongs to someone else or is open to others: remove it.")
