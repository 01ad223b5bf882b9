"""Spans as a process writes them into SPANS_DIR: OTLP/JSON lines."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def spans_in(folder: Path) -> Iterator[dict[str, Any]]:
    """Each span as it is in the file, with the name of its `scope`: the library that made it."""
    for path in folder.glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            for resource in json.loads(line)["resourceSpans"]:
                for scope in resource["scopeSpans"]:
                    yield from ({**span, "scope": scope["scope"]["name"]} for span in scope["spans"])


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in span["attributes"]}
