"""Finds every log line and span of one correlation ID in files that mostly hold others."""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, Final

import orjson

from throughline.journey.local_files import lines_folder, opened, spans_folder
from throughline.journey.span import Span, spans_in

ID_FIELDS: Final = ("correlation_id", "requested_by")  # of log lines
_BLOCK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True)
class Found:
    """All that is known of a correlation ID: log lines in the vocabulary's fields, and spans, in no order.

    Lines of another ID are among them when a request of this ID caused them: a DELETE of that ID's task, say.
    """

    log_lines: list[dict[str, Any]]
    spans: list[Span]

    def __bool__(self) -> bool:
        return bool(self.log_lines or self.spans)


def find(var_dir: Path, correlation_id: str) -> Found:
    """Reads a local run's files; parses only lines that hold the ID in one of its fields, byte for byte."""
    any_field = f'":"{correlation_id}"'.encode()  # one needle is found sooner than two
    log_needles = [f'"{field}":"{correlation_id}"'.encode() for field in ID_FIELDS]
    span_needle = f'{{"key":"correlation_id","value":{{"stringValue":"{correlation_id}"}}}}'.encode()
    written = _lines_with(any_field, lines_folder(var_dir))
    lines = (parsed(line) for line in written if any(needle in line for needle in log_needles))
    exports = (parsed(line) for line in _lines_with(span_needle, spans_folder(var_dir)))
    return Found(
        log_lines=[line for line in lines if correlation_id in {line.get(field) for field in ID_FIELDS}],
        spans=[
            span
            for export in exports
            for span in spans_in(export)
            if span.attributes.get("correlation_id") == correlation_id
        ],
    )


def parsed(line: bytes) -> dict[str, Any]:
    """Empty for what is not a JSON object: a traceback, or a line that is still being written."""
    with suppress(orjson.JSONDecodeError):
        value = orjson.loads(line.decode(errors="replace"))
        if isinstance(value, dict):
            return value
    return {}


def _lines_with(needle: bytes, folder: Path) -> Iterator[bytes]:
    with ExitStack() as stack:
        for file in opened(folder, stack):
            yield from _matching(needle, file)


def _matching(needle: bytes, file: FileIO) -> Iterator[bytes]:
    block = bytearray(_BLOCK_BYTES)
    begun = bytearray()  # the line that the blocks before this one left unfinished
    while size := file.readinto(block):
        first = block.find(b"\n", 0, size) + 1
        begun += block[: first or size]
        if not first:
            continue
        if needle in begun:
            yield bytes(begun)
        last = block.rfind(b"\n", 0, size) + 1
        at = first
        while (hit := block.find(needle, at, last)) >= 0:
            start = max(first, block.rfind(b"\n", first, hit) + 1)
            at = block.index(b"\n", hit) + 1
            yield bytes(block[start:at])
        begun = block[last:size]
    if needle in begun:
        yield bytes(begun)
