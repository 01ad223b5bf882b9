"""The files of a local run in which log lines and spans are written, rotated ones included."""

import os
import re
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path
from typing import Final

_WRITTEN: Final = re.compile(r".+\.jsonl(\.\d+)?")


def lines_folder(var_dir: Path) -> Path:
    return var_dir / "log"


def spans_folder(var_dir: Path) -> Path:
    return var_dir / "spans"


def written_lines(folder: Path) -> list[Path]:
    """`worker-1.jsonl`, `worker-1.jsonl.1` and the like; none when there is no such folder."""
    try:
        return sorted(path for path in folder.iterdir() if _WRITTEN.fullmatch(path.name))
    except OSError:
        return []


def opened(folder: Path, stack: ExitStack) -> list[FileIO]:
    """Each file once, however they are renamed meanwhile, to be read after this; until the stack is closed.

    A rotation may give a file the name of one that has been opened already, so the names are gone through until they
    lead to no other file.
    """
    files: dict[tuple[int, int], FileIO] = {}
    known = -1
    while len(files) > known:
        known = len(files)
        for path in written_lines(folder):
            with suppress(OSError):
                file = stack.enter_context(FileIO(path))
                stat = os.fstat(file.fileno())
                files.setdefault((stat.st_dev, stat.st_ino), file)
    return list(files.values())
