"""What files there are to search, to be printed when a search found nothing."""

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from throughline.journey.local_files import lines_folder, spans_folder, written_lines

_ANY_ID: Final = re.compile(rb'"correlation_id":"([A-Za-z0-9._:-]{1,128})"')
_TAIL_BYTES: Final = 64 * 1024
_RECENT: Final = 3


@dataclass(frozen=True)
class FilesOverview:
    """How much is there, how fresh it is, and the IDs that were written last."""

    folders: tuple[Path, Path]
    files: int
    size: int
    newest_age_seconds: float
    recent_ids: tuple[str, ...]


def files_overview(var_dir: Path) -> FilesOverview:
    """Reads the end of one or two files only."""
    folders = (lines_folder(var_dir), spans_folder(var_dir))
    newest_first = sorted(_written(folders), reverse=True)
    return FilesOverview(
        folders,
        files=len(newest_first),
        size=sum(size for _, size, _ in newest_first),
        newest_age_seconds=max(0.0, time.time() - newest_first[0][0]) if newest_first else 0.0,
        recent_ids=_recent_ids([path for _, _, path in newest_first if path.parent == folders[0]]),
    )


def _written(folders: tuple[Path, Path]) -> Iterator[tuple[float, int, Path]]:
    for folder in folders:
        for path in written_lines(folder):
            with suppress(OSError):
                stat = path.stat()
                if stat.st_size:
                    yield stat.st_mtime, stat.st_size, path


def _recent_ids(newest_first: list[Path]) -> tuple[str, ...]:
    for path in newest_first:
        with suppress(OSError), path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            seen = dict.fromkeys(match.decode() for match in reversed(_ANY_ID.findall(file.read())))
            if seen:
                return tuple(seen)[:_RECENT]
    return ()
