"""What there is to search: log lines, spans, and both; which fields are links, and those that are computed."""

from typing import Any, Final

from dashboards.kibana.saved_object import SavedObject, text
from throughline.journey import kibana_links as links
from throughline.telemetry import vocabulary

# Where Kibana is, this link need not know: it begins at the page it stands on.
_JOURNEY: Final = (
    "../app/dashboards#/view/throughline-journey?_g=(time:(from:now-7d,to:now))"
    "&_a=(query:(language:kuery,query:'correlation_id:%22{{value}}%22'))"
)


def _link(url: str) -> dict[str, Any]:
    return {"id": "url", "params": {"type": "a", "urlTemplate": url, "labelTemplate": "{{value}}"}}


def _duration(unit: str) -> dict[str, Any]:
    """In the unit that fits: 15.2 ms, 27.3 s, 1.9 min."""
    words = {"outputFormat": "humanizePrecise", "outputPrecision": 1, "useShortSuffix": True, "showSuffix": True}
    return {"id": "duration", "params": {"inputFormat": unit, **words, "includeSpaceWithSuffix": True}}


_UNITS: Final = {"_ms": "milliseconds", "_seconds": "seconds"}  # that names in the vocabulary end on


def is_duration(field: str) -> bool:
    return field.endswith(tuple(_UNITS))


def _durations() -> dict[str, Any]:
    return {
        field: _duration(unit)
        for field in vocabulary.load()["fields"]
        for ending, unit in _UNITS.items()
        if field.endswith(ending)
    }


def _number(pattern: str) -> dict[str, Any]:
    return {"id": "number", "params": {"pattern": pattern}}


_TO_TRACE: Final = _link(links.TRACES + "{{value}}")
_TO_TASK: Final = _link(links.TASKS + "{{value}}")
_TO_JOURNEY: Final = _link(_JOURNEY)

_LINE_FORMATS: Final = {
    "correlation_id": _TO_JOURNEY,
    "task_id": _TO_TASK,
    "trace.id": _TO_TRACE,
    **_durations(),
    "process.pid": _number("0"),
    "http.response.status_code": _number("0"),
}
_SPAN_FORMATS: Final = {
    "correlation_id": _TO_JOURNEY,
    "tag.correlation_id": _TO_JOURNEY,
    "task_id": _TO_TASK,
    "tag.task_id": _TO_TASK,
    "trace.id": _TO_TRACE,
    "traceID": _TO_TRACE,
    "duration": _duration("microseconds"),
}

_FAILED: Final = """
if (doc['http.response.status_code'].size() > 0) {
  emit(doc['http.response.status_code'].value >= 500 ? 1 : 0);
}
"""
# The most exact word that the line has for what went wrong; a lost attempt has no error, but a reason.
_PROBLEM: Final = """
if (doc['error.type'].size() > 0) { emit(doc['error.type'].value); }
else if (doc['code'].size() > 0) { emit(doc['code'].value); }
else if (doc['reason'].size() > 0) { emit(doc['reason'].value); }
else if (doc['http.response.status_code'].size() > 0) { emit('HTTP ' + doc['http.response.status_code'].value); }
else if (doc['event.action'].size() > 0) { emit(doc['event.action'].value); }
else if (doc['log.logger'].size() > 0) { emit(doc['log.logger'].value); }
"""
# Of both: what a line says, or what a span is called; and how long it took.
_STEP: Final = """
def source = params._source;
if (source.operationName != null) { emit(source.operationName.toString()); }
else if (source.message != null) { emit(source.message.toString()); }
"""
_TOOK: Final = """
if (doc.containsKey('duration') && doc['duration'].size() > 0) { emit(doc['duration'].value / 1000.0); }
else if (doc.containsKey('duration_ms') && doc['duration_ms'].size() > 0) { emit(doc['duration_ms'].value); }
"""
_BOTH_RUNTIME: Final = {
    "step": {"type": "keyword", "script": {"source": _STEP}},
    "took_ms": {"type": "double", "script": {"source": _TOOK}},
}
_LINE_RUNTIME: Final = {
    "request.failed": {"type": "double", "script": {"source": _FAILED}},
    "problem": {"type": "keyword", "script": {"source": _PROBLEM}},
}


def _data_view(
    own_id: str, name: str, title: str, formats: dict[str, Any], runtime: dict[str, Any] | None = None
) -> SavedObject:
    attributes = {
        "title": title,
        "name": name,
        "timeFieldName": "@timestamp",
        "allowNoIndex": True,  # before the first span there is no index for them
        "fields": "[]",
        "sourceFilters": "[]",
        "typeMeta": "{}",
        "fieldAttrs": "{}",
        "fieldFormatMap": text(formats),
        "runtimeFieldMap": text(runtime or {}),
    }
    return SavedObject("index-pattern", own_id, attributes)


LINES: Final = _data_view("throughline-logs", "Log lines", "logs-throughline-*", _LINE_FORMATS, _LINE_RUNTIME)
SPANS: Final = _data_view("throughline-spans", "Spans", "jaeger-span-*", _SPAN_FORMATS)
BOTH: Final = _data_view(
    "throughline",
    "Log lines and spans",
    "logs-throughline-*,jaeger-span-*",
    _SPAN_FORMATS | _LINE_FORMATS | {"took_ms": _duration("milliseconds")},
    _BOTH_RUNTIME,
)
