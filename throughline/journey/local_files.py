"""The files of a local run in which log lines and spans are written, rotated ones included."""

import re
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
