"""The profile of a local run: reads its span files from where the time in question begins, and nothing before."""

import re
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

import orjson

from throughline.journey.local_files import spans_folder
from throughline.journey.span import kind_of
from throughline.profile.durations import Durations
from throughline.profile.local_sampling import sampling
from throughline.profile.profile import Profile, profile_of
from throughline.profile.step import Key, step_of
from throughline.profile.timed_files import opened, seek
from throughline.profile.window import Window
from throughline.profile.written_again import WrittenAgain

_END: Final = re.compile(rb'"endTimeUnixNano":"(\d{1,19})"')
_FEW_LINES: Final = 8  # as many times less of log lines is read as of spans, which are many for each task


def profile(var_dir: Path, window: Window, task_type: str = "", *, most_bytes: int | None = None) -> Profile:
    """Of one type of task or of all; with `most_bytes`, of the last so many bytes of each file."""
    durations, needle, is_whole = Durations(), _needle(task_type), True
    found = WrittenAgain(durations)
    with ExitStack() as stack:
        for file in opened(spans_folder(var_dir), stack):
            is_whole &= seek(file, window, most_bytes, _latest_ns)
            for line in file:
                if needle in line:
                    with suppress(orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
                        _add(orjson.loads(line), window, task_type, found)
    found.end()
    fewer = None if most_bytes is None else most_bytes // _FEW_LINES
    seen = sampling(var_dir, window, task_type, most_bytes=fewer)
    return profile_of(durations.figures(), window, is_exact=True, is_whole=is_whole, sampling=seen)


def _needle(task_type: str) -> bytes:
    """What a line without any step in question does not hold: most requests only ask how a task is."""
    any_type = '"key":"task_type","value":{"stringValue":"'
    return f'{any_type}{task_type}"'.encode() if task_type else any_type.encode()


def _latest_ns(part: bytes) -> int | None:
    return max(map(int, _END.findall(part)), default=None)


def _add(export: Mapping[str, Any], window: Window, task_type: str, found: WrittenAgain) -> None:
    since, until = window.since_ns, window.until_ns
    for resource_spans in export["resourceSpans"]:
        service = _text(resource_spans["resource"]["attributes"], "service.name")
        for scope_spans in resource_spans["scopeSpans"]:
            for span in scope_spans["spans"]:
                # One span that cannot be read must not hide the others.
                with suppress(KeyError, TypeError, ValueError, AttributeError):
                    _add_span(span, service, (since, until), task_type, found)


def _add_span(span: Mapping[str, Any], service: str, times: tuple[int, int], wanted: str, found: WrittenAgain) -> None:
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
        key = Key(task_type, step, name if phase else "")
        found.add(span["spanId"], key, max(0, end - start), by_another="worker" in attributes)


def _text(attributes: list[dict[str, Any]], name: str) -> str:
    return next((each["value"]["stringValue"] for each in attributes if each["key"] == name), "")
