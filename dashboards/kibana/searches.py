"""Saved searches: tables of log lines or spans, the rows as they are."""

from collections.abc import Sequence
from typing import Final

from dashboards.kibana import queries
from dashboards.kibana.data_views import BOTH, LINES
from dashboards.kibana.saved_object import SavedObject, kql, text

_INDEX: Final = "kibanaSavedObjectMeta.searchSourceJSON.index"

_LETTER: Final = 8  # pixels
_ICONS: Final = 50  # beside a heading: sorting, the field's type, the menu
_CONTENT: Final = {"@timestamp": 210, "correlation_id": 190, "problem": 170, "task_id": 300, "trace.id": 280}
_LONG: Final = {"message", "error.message", "url.path", "step"}  # these share what is left


def _width(column: str) -> dict[str, int]:
    """As wide as its heading, or as what it holds where that is more."""
    return {"width": max(len(column) * _LETTER + _ICONS, _CONTENT.get(column, 0))}


def _search(
    own_id: str, title: str, query: str, columns: Sequence[str], order: tuple[str, str], view: SavedObject = LINES
) -> SavedObject:
    widths = {name: _width(name) for name in ("@timestamp", *columns) if name not in _LONG}
    source = {"query": kql(query), "filter": [], "indexRefName": _INDEX}
    attributes = {
        "title": title,
        "description": "",
        "columns": list(columns),
        "sort": [list(order)],
        "grid": {"columns": widths},
        "hideChart": True,
        "isTextBasedQuery": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": text(source)},
    }
    return SavedObject("search", own_id, attributes, {_INDEX: view})


BY_CORRELATION_ID: Final = _search(
    "throughline-by-correlation-id",
    "By correlation ID",
    "correlation_id : *",
    ("correlation_id", "service.name", "service.node.name", "step", "took_ms", "task_id", "trace.id"),
    ("@timestamp", "asc"),
    view=BOTH,
)
ERRORS: Final = _search(
    "throughline-errors",
    "Errors",
    queries.ERRORS,
    ("service.node.name", "event.action", "problem", "message", "correlation_id", "task_id", "trace.id"),
    ("@timestamp", "desc"),
)
SLOWEST_REQUESTS: Final = _search(
    "throughline-slowest-requests",
    "Slowest requests",
    queries.AT_NGINX,
    ("duration_ms", "url.path", "http.response.status_code", "correlation_id", "trace.id"),
    ("duration_ms", "desc"),
)
LINES_IN_ORDER: Final = _search(
    "throughline-lines-in-order",
    "Log lines, in order",
    "correlation_id : *",
    (
        "service.node.name",
        "log.level",
        "event.action",
        "message",
        "duration_ms",
        "queue_wait_ms",
        "task_id",
        "trace.id",
    ),
    ("@timestamp", "asc"),
)
DEAD_LETTERS: Final = _search(
    "throughline-dead-letters",
    "Dead letters",
    queries.DEAD_LETTERED,
    ("task_type", "attempt", "error.message", "service.node.name", "task_id", "correlation_id", "trace.id"),
    ("@timestamp", "desc"),
)
