"""What there is to search: log lines, spans, and both; which fields are links, and the two that are computed."""

from typing import Any, Final

from dashboards.kibana.saved_object import SavedObject, text
from throughline.journey import kibana_links as links

# Where Kibana is, this link need not know: it begins at the page it stands on.
_JOURNEY: Final = (
    "../app/dashboards#/view/throughline-journey?_g=(time:(from:now-7d,to:now))"
    "&_a=(query:(language:kuery,query:'correlation_id:%22{{value}}%22'))"
)


def _link(url: str) -> dict[str, Any]:
    return {"id": "url", "params": {"type": "a", "urlTemplate": url, "labelTemplate": "{{value}}"}}


def _number(pattern: str) -> dict[str, Any]:
    return {"id": "number", "params": {"pattern": pattern}}


_TO_TRACE: Final = _link(links.TRACES + "{{value}}")
_TO_TASK: Final = _link(links.TASKS + "{{value}}")
_TO_JOURNEY: Final = _link(_JOURNEY)

_LINE_FORMATS: Final = {
    "correlation_id": _TO_JOURNEY,
    "task_id": _TO_TASK,
    "trace.id": _TO_TRACE,
    "duration_ms": _number("0,0.[0]"),
    "queue_wait_ms": _number("0,0.[0]"),
    "upstream.duration_ms": _number("0,0.[0]"),
    "process.pid": _number("0"),
    "http.response.status_code": _number("0"),
}
_SPAN_FORMATS: Final = {
    "correlation_id": _TO_JOURNEY,
    "tag.correlation_id": _TO_JOURNEY,
    "tag.task_id": _TO_TASK,
    "trace.id": _TO_TRACE,
    "traceID": _TO_TRACE,
    "duration": {
        "id": "duration",
        "params": {"inputFormat": "microseconds", "outputFormat": "asMilliseconds", "outputPrecision": 1},
    },
}

_FAILED: Final = """
if (doc['http.response.status_code'].size() > 0) {
  emit(doc['http.response.status_code'].value >= 500 ? 1 : 0);
}
"""
# The most exact word that the line has for what went wrong.
_PROBLEM: Final = """
if (doc['error.type'].size() > 0) { emit(doc['error.type'].value); }
else if (doc['code'].size() > 0) { emit(doc['code'].value); }
else if (doc['http.response.status_code'].size() > 0) { emit('HTTP ' + doc['http.response.status_code'].value); }
else if (doc['event.action'].size() > 0) { emit(doc['event.action'].value); }
else if (doc['log.logger'].size() > 0) { emit(doc['log.logger'].value); }
"""
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
    "throughline", "Log lines and spans", "logs-throughline-*,jaeger-span-*", _SPAN_FORMATS | _LINE_FORMATS
)
