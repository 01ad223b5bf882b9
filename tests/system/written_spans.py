"""The spans that the processes of a run have written into its folder."""

import json
from collections.abc import Iterator
from typing import Any

from tests.system.nine import Nine


def correlated_spans(nine: Nine) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each with its correlation ID, as OTLP/JSON; without a line that is not whole yet."""
    for file in (nine.var_dir / "spans").glob("*.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                for resource in json.loads(line)["resourceSpans"]:
                    for span in (span for scope in resource["scopeSpans"] for span in scope["spans"]):
                        yield _correlation_id(span), span


def _correlation_id(span: dict[str, Any]) -> str:
    found = (each["value"]["stringValue"] for each in span["attributes"] if each["key"] == "correlation_id")
    return next(found, "")
