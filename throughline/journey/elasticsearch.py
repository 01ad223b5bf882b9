"""The same search in the stack's Elasticsearch: one query over log lines and Jaeger's spans, with the same result."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from throughline.journey.elasticsearch_client import Client
from throughline.journey.search import ID_FIELDS, Found
from throughline.journey.span import Span, kind_of
from throughline.telemetry import vocabulary

_TYPES: Final[Mapping[str, Callable[[Any], Any]]] = {"int": int, "double": float}
INDICES: Final = "logs-throughline-*,jaeger-span-*"
_MOST: Final = 10_000  # the earliest; what Elasticsearch gives in one answer


def find(client: Client, correlation_id: str) -> Found:
    """All log lines and spans of the ID; `Unanswered` when Elasticsearch is away or refuses."""
    named = [{"term": {field: correlation_id}} for field in ID_FIELDS]
    query = {
        "query": {"bool": {"should": named, "minimum_should_match": 1}},
        "sort": [{"@timestamp": "asc"}],
        "size": _MOST,
    }
    answer = client.ask("POST", f"/{INDICES}/_search?ignore_unavailable=true", query)
    lines, spans = [], {}
    for hit in answer["hits"]["hits"]:
        if hit["_index"].startswith("jaeger-span-"):
            for span in _readable(hit["_source"]):
                spans[span.key] = span  # one that was sent again after an outage is there twice
        else:
            lines.append(hit["_source"])
    return Found(lines, list(spans.values()))


def _readable(source: Mapping[str, Any]) -> Iterator[Span]:
    """The span; nothing when it cannot be read, so that one broken span does not hide the others."""
    with suppress(KeyError, TypeError, ValueError, AttributeError):
        yield _span(source)


def _span(source: Mapping[str, Any]) -> Span:
    process, tags = source["process"], source.get("tag") or {}
    told = process.get("tag") or {}
    start, duration = int(source["startTime"]) * 1000, int(source["duration"]) * 1000
    return Span(
        trace_id=source["traceID"],
        span_id=source["spanID"],
        parent_id=_parent(source),
        name=source["operationName"],
        service=process["serviceName"],
        node=str(told.get("service@instance@id", "")),
        start_ns=start,
        end_ns=start + duration,
        attributes=_attributes(tags),
        failed=str(tags.get("error", "")).lower() == "true",
        kind=kind_of(str(tags.get("span@kind", ""))),
        version=str(told.get("service@version", "")),
    )


def _parent(source: Mapping[str, Any]) -> str:
    parents = (r["spanID"] for r in source.get("references") or () if r["refType"] == "CHILD_OF")
    return next(parents, "")


def _attributes(tags: Mapping[str, Any]) -> dict[str, Any]:
    """Jaeger keeps attributes as text, under names without dots. Those that Jaeger adds (`span@kind`) are left out."""
    found: dict[str, Any] = {}
    for name, attribute in vocabulary.load()["span_attributes"].items():
        value = tags.get(name.replace(".", "@"))
        if value is not None:
            with suppress(ValueError):
                found[name] = _TYPES.get(attribute["type"], str)(value)
    return found
