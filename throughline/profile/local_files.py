"""The profile of a local run: reads its span files from where the time in question begins, and nothing before."""

import os
import re
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

import orjson

from throughline.journey.local_files import spans_folder, written_lines
from throughline.journey.span import kind_of
from throughline.profile.durations import Durations
from throughline.profile.profile import Profile, profile_of
from throughline.profile.step import Key, step_of
from throughline.profile.window import Window

_END: Final = re.compile(rb'"endTimeUnixNano":"(\d{1,19})"')
_PROBE_BYTES: Final = 64 * 1024
_NEAR_BYTES: Final = 256 * 1024  # reading so much costs less than looking closer
_LATE_NS: Final = 5 * 10**9  # a line is written this long after the steps in it have ended, at most


def profile(var_dir: Path, window: Window, task_type: str = "", *, most_bytes: int | None = None) -> Profile:
    """Of one type of task or of all; with `most_bytes`, of the last so many bytes of each file."""
    found, needle, is_whole = Durations(), _needle(task_type), True
    with ExitStack() as opened:
        for file in _opened(var_dir, opened):
            is_whole &= _seek(file, window, most_bytes)
            for line in file:
                if needle in line:
                    with suppress(orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
                        _add(orjson.loads(line), window, task_type, found)
    return profile_of(found.figures(), window, is_exact=True, is_whole=is_whole)


def _needle(task_type: str) -> bytes:
    """What a line without any step in question does not hold: most requests only ask how a task is."""
    any_type = '"key":"task_type","value":{"stringValue":"'
    return f'{any_type}{task_type}"'.encode() if task_type else any_type.encode()


def _opened(var_dir: Path, opened: ExitStack) -> list[BufferedReader]:
    """All files are opened before any is read, so that one that is rotated meanwhile is read exactly once."""
    files: dict[tuple[int, int], BufferedReader] = {}
    for path in written_lines(spans_folder(var_dir)):
        with suppress(OSError):
            file = opened.enter_context(path.open("rb"))
            stat = os.fstat(file.fileno())
            files.setdefault((stat.st_dev, stat.st_ino), file)
    return list(files.values())


def _seek(file: BufferedReader, window: Window, most_bytes: int | None) -> bool:
    """Goes to the first line to read. Whether that is all that there is of the time."""
    size = file.seek(0, 2)
    all_of_it = begin = _position(file, size, window.since_ns)
    if most_bytes is not None:
        begin = max(begin, _position(file, size, window.until_ns) - most_bytes)
    file.seek(begin)
    if begin:
        file.readline()  # the rest of a line
    return begin == all_of_it


def _position(file: BufferedReader, size: int, time_ns: int) -> int:
    """A place in the file before which every step had ended by that time; found by halves, as lines are in time."""
    low, high = 0, size
    while high - low > _NEAR_BYTES:
        middle = (low + high) // 2
        file.seek(middle)
        ends = _END.findall(file.read(_PROBE_BYTES))
        if ends and max(map(int, ends)) < time_ns - _LATE_NS:
            low = middle
        else:
            high = middle
    return low


def _add(export: Mapping[str, Any], window: Window, task_type: str, found: Durations) -> None:
    since, until = window.since_ns, window.until_ns
    for resource_spans in export["resourceSpans"]:
        service = _text(resource_spans["resource"]["attributes"], "service.name")
        for scope_spans in resource_spans["scopeSpans"]:
            for span in scope_spans["spans"]:
                # One span that cannot be read must not hide the others.
                with suppress(KeyError, TypeError, ValueError, AttributeError):
                    _add_span(span, service, (since, until), task_type, found)


def _add_span(span: Mapping[str, Any], service: str, times: tuple[int, int], wanted: str, found: Durations) -> None:
    attributes = {each["key"]: each["value"] for each in span["attributes"]}
    task_type = attributes["task_type"]["stringValue"] if "task_type" in attributes else ""
    if not task_type or wanted not in {"", task_type}:
        return
    start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    if "request_time" in attributes:  # NGINX writes the end as start and end
        start = end - round(float(attributes["request_time"]["stringValue"]) * 1e9)
    if not times[0] <= start < times[1]:
        return
    phase, name = "phase" in attributes, span["name"]
    attempt = attributes["attempt"]["intValue"] if "attempt" in attributes else None
    step = step_of(service, kind_of(span.get("kind")), name, phase=phase, attempt=attempt)
    if step:
        found.add(Key(task_type, step, name if phase else ""), max(0, end - start))


def _text(attributes: list[dict[str, Any]], name: str) -> str:
    return next((each["value"]["stringValue"] for each in attributes if each["key"] == name), "")
