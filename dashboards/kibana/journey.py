"""Journey: where the time of one correlation ID went."""

from typing import Final

from dashboards.kibana.columns import count, different, highest, total
from dashboards.kibana.layout import dashboard
from dashboards.kibana.lens import figure
from dashboards.kibana.queries import AT_NGINX, ENDED, ERRORS_ONCE
from dashboards.kibana.saved_object import SavedObject, kql, text
from dashboards.kibana.searches import LINES_IN_ORDER
from dashboards.kibana.waterfall import specification

_HELP: Final = (
    'Write `correlation_id : "…"` into the query bar, or follow a correlation ID from any table. '
    "A trace ID leads to Jaeger, a task ID to the task."
)


def page() -> SavedObject:
    return dashboard(
        "journey",
        "Journey",
        "One correlation ID: its waterfall, its log lines in order, its totals.",
        "now-7d",
        [
            (4, [_visualization("journey-help", "Which journey?", "markdown", {"markdown": _HELP, "fontSize": 12})]),
            (6, _totals()),
            (36, [_waterfall()]),
            (20, [LINES_IN_ORDER]),
        ],
    )


def _totals() -> list[SavedObject]:
    return [
        figure("journey-answered", "Answered within", AT_NGINX, highest("Answered within", "duration_ms")),
        figure("journey-waited", "Waited in queues", ENDED, total("Waited in queues", "queue_wait_ms")),
        figure("journey-ran", "Ran", ENDED, total("Ran", "duration_ms")),
        figure("journey-tasks", "Tasks", "task_id : *", different("Tasks", "task_id")),
        figure("journey-attempts", "Attempts", ENDED, count("Attempts")),
        figure("journey-errors", "Errors", "correlation_id : *", count("Errors", ERRORS_ONCE)),
    ]


def _waterfall() -> SavedObject:
    return _visualization("journey-waterfall", "Waterfall", "vega", {"spec": specification()})


def _visualization(own_id: str, title: str, kind: str, params: dict[str, object]) -> SavedObject:
    attributes = {
        "title": title,
        "description": "",
        "visState": text({"title": title, "type": kind, "aggs": [], "params": params}),
        "uiStateJSON": "{}",
        "version": 1,
        "kibanaSavedObjectMeta": {"searchSourceJSON": text({"query": kql(""), "filter": []})},
    }
    return SavedObject("visualization", f"throughline-{own_id}", attributes)
