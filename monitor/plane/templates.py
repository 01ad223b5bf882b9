"""What the documents of each stream look like: index templates, that of log lines made from the vocabulary."""

from pathlib import Path
from typing import Any, Final

import orjson

from throughline.telemetry import vocabulary

FOLDER: Final = Path("observability/elasticsearch")  # below the working directory: a checkout, or /app in the image
RETENTION: Final = "7d"
_DATA_STREAM: Final[dict[str, Any]] = {"data_stream": {}, "priority": 500}
_SETTINGS: Final = {"index.number_of_shards": 1, "index.number_of_replicas": 0, "index.refresh_interval": "1s"}
_ANYTHING_LONG: Final = {"type": "text", "norms": False}


def all_templates() -> dict[str, dict[str, Any]]:
    """Name → index template."""
    folder = FOLDER / "templates"
    spans = {
        name: orjson.loads(folder.joinpath(f"{name}.json").read_text())
        for name in ("jaeger-span", "jaeger-service", "jaeger-dependencies")
    }
    return {
        "logs-throughline": _log_lines(),
        "logs-throughline.unparsed": _unparsed(),
        **{f"throughline-{name}": template for name, template in spans.items()},
    }


def _log_lines() -> dict[str, Any]:
    """The vocabulary's fields and no others: a line with an unknown field goes to the second stream."""
    fields = vocabulary.load()["fields"]
    return _stream("logs-throughline-*", {name: _mapping(field["type"]) for name, field in fields.items()})


def _unparsed() -> dict[str, Any]:
    """Lines that are not JSON of the vocabulary, and those that Elasticsearch refused, each with the reason."""
    texts = dict.fromkeys(("message", "error.message", "reason"), _ANYTHING_LONG)
    keywords = {name: _mapping("keyword") for name in ("container", "error.type")}
    return _stream("logs-throughline.unparsed-*", {"@timestamp": {"type": "date"}} | texts | keywords)


def _stream(pattern: str, properties: dict[str, Any]) -> dict[str, Any]:
    # subobjects off: both `queue` and `queue.depth.high` are fields.
    mappings = {"dynamic": "strict", "subobjects": False, "properties": properties}
    template = {"settings": _SETTINGS, "mappings": mappings, "lifecycle": {"data_retention": RETENTION}}
    return _DATA_STREAM | {"index_patterns": [pattern], "template": template, "_meta": {"by": "throughline"}}


def _mapping(kind: str) -> dict[str, Any]:
    if kind == "keyword":
        return {"type": kind, "ignore_above": 1024}
    return _ANYTHING_LONG if kind == "text" else {"type": kind}
