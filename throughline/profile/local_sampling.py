"""How many tasks of a local run were sampled, by the lines of their submissions."""

import re
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from throughline.journey.local_files import lines_folder
from throughline.profile.sampling import Sampling
from throughline.profile.timed_files import opened, seek
from throughline.profile.window import Window

_SUBMITTED: Final = b'"event.action":"task.submitted"'
_UNSAMPLED: Final = b'"trace.sampled":false'
_TIMESTAMP: Final = re.compile(rb'"@timestamp":"([^"]{19,40})"')


def sampling(var_dir: Path, window: Window, task_type: str = "", *, most_bytes: int | None = None) -> Sampling:
    """Of one type of task or of all; with `most_bytes`, of the last so many bytes of each file.

    The lines are compared as bytes, as `telemetry.log_line` writes them: to parse each would take five times as long.
    """
    submitted = unsampled = 0
    since, until, of_type = _written(window.since_ns), _written(window.until_ns), _needle(task_type)
    with ExitStack() as stack:
        for file in opened(lines_folder(var_dir), stack):
            seek(file, window, most_bytes, _latest_ns)
            for line in file:
                if _SUBMITTED not in line or of_type not in line or not (found := _TIMESTAMP.search(line)):
                    continue
                if found[1] >= until:
                    break  # the lines of a file are in time
                if found[1] >= since:
                    submitted += 1
                    unsampled += _UNSAMPLED in line
    return Sampling(submitted, unsampled)


def _needle(task_type: str) -> bytes:
    return f'"task_type":"{task_type}"'.encode() if task_type else _SUBMITTED


def _written(at_ns: int) -> bytes:
    """A moment as log lines have it, which come in the order of their bytes."""
    return datetime.fromtimestamp(at_ns // 1000 / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()


def _latest_ns(part: bytes) -> int | None:
    """The lines of a file are in time, so that the last one's counts."""
    for found in reversed(_TIMESTAMP.findall(part)):
        with suppress(ValueError):
            at = datetime.fromisoformat(found.decode(errors="replace"))
            return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1e9)
    return None
