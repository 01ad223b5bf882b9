"""How many tasks of a local run were sampled, by the lines of their submissions."""

import re
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from throughline.journey.local_files import lines_folder
from throughline.journey.log_placement import timed_line
from throughline.profile.sampling import Sampling
from throughline.profile.timed_files import opened, seek
from throughline.profile.window import Window

_SUBMITTED: Final = b'"event.action":"task.submitted"'
_TIMESTAMP: Final = re.compile(rb'"@timestamp":"([^"]{19,40})"')


def sampling(var_dir: Path, window: Window, task_type: str = "", *, most_bytes: int | None = None) -> Sampling:
    """Of one type of task or of all; with `most_bytes`, of the last so many bytes of each file."""
    submitted = unsampled = 0
    since, until = window.since_ns, window.until_ns
    with ExitStack() as stack:
        for file in opened(lines_folder(var_dir), stack):
            seek(file, window, most_bytes, _latest_ns)
            for fields in filter(None, (_parsed(line) for line in file if _SUBMITTED in line)):
                at_ns = timed_line(fields).at_ns
                if at_ns is not None and at_ns >= until:
                    break  # the lines of a file are in time
                if at_ns is not None and at_ns >= since and task_type in {"", fields.get("task_type")}:
                    submitted += 1
                    unsampled += fields.get("trace.sampled") is False
    return Sampling(submitted, unsampled)


def _parsed(line: bytes) -> dict[str, Any]:
    with suppress(orjson.JSONDecodeError):
        value = orjson.loads(line)
        if isinstance(value, dict):
            return value
    return {}


def _latest_ns(part: bytes) -> int | None:
    """The lines of a file are in time, so that the last one's counts."""
    for found in reversed(_TIMESTAMP.findall(part)):
        with suppress(ValueError):
            at = datetime.fromisoformat(found.decode(errors="replace"))
            return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1e9)
    return None
