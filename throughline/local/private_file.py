"""What a run writes is its owner's alone: it may hold a password, and what was asked for is nobody else's business."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

UMASK: Final = 0o077  # of every process of a run
_FOLDERS: Final = ("conf", "log", "nginx", "redis", "spans")


def write(path: Path, text: str) -> None:
    """Replaces the file as a whole, so that nobody reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:  # a full disk has no name
        error.filename = error.filename or str(path)
        raise
    draft.replace(path)


def close_to_others(var: Path) -> None:
    """Takes from others what an earlier version has left open to them in this folder; not what belongs to somebody."""
    for path in _written(var):
        with suppress(OSError):
            if not path.is_symlink() and path.stat().st_mode & UMASK:
                path.chmod(path.stat().st_mode & 0o700)


def _written(var: Path) -> Iterator[Path]:
    for name in _FOLDERS:
        yield var / name
        yield from (var / name).rglob("*")
    yield from var.glob("history.sqlite*")
