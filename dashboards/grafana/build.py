"""Writes dashboards/grafana/overview.json: what is shown, in the order in which a request meets it.

`make docs` runs it. A panel is a title, a unit and its queries; where it stands follows from the order.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dashboards import palette
from dashboards.grafana import colours

FILE: Final = Path(__file__).with_name("overview.json")
_COLUMNS: Final = 24  # of Grafana's grid
_DATASOURCE: Final = {"type": "prometheus", "uid": "prometheus"}


@dataclass(frozen=True)
class Panel:
    """One chart: `queries` are PromQL → what its lines are called."""

    title: str
    queries: dict[str, str]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    height: int = 7
    means: str = ""
    limit: float | None = None  # drawn as a line: where an alert begins


@dataclass(frozen=True)
class Row:
    """A heading and its panels."""

    title: str
    panels: Sequence[Panel]


def _calls(selector: str, by: str = "") -> str:
    summed = f"sum by ({by}) " if by else "sum"
    return f"{summed}(rate(throughline_span_calls_total{{{selector}}}[$__rate_interval]))"


def _quantile(share: float, selector: str, by: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    buckets = f"rate(throughline_span_duration_seconds_bucket{{{selector}}}[$__rate_interval])"
    return f"histogram_quantile({share}, sum by ({labels}) ({buckets}))"


def _share(selector: str, which: str, by: str, window: str) -> str:
    """Of all calls, those of `which`, split by a label: a value that has none of them is 0."""
    every = f"rate(throughline_span_calls_total{{{selector}}}[{window}])"
    chosen = f"rate(throughline_span_calls_total{{{selector}, {which}}}[{window}])"
    return f"(sum by ({by}) ({chosen}) or 0 * sum by ({by}) ({every})) / on () group_left () sum({every})"


def _redis(metric: str) -> str:
    """A figure of Redis. Each monitor tells it: they are one figure, not several to be added."""
    return f"max without (instance) ({metric})"


_FROM_SPANS: Final = ("throughline_span_", "throughline:")  # what the collector counts
_OF_SAMPLED: Final = (
    "Counted from spans: of sampled requests, all unless OTEL_TRACES_SAMPLER or a caller says otherwise."
)
_NGINX: Final = 'span_name="nginx"'
# A phase may have any name, "run all" too: kind and attribute tell spans apart, not their names.
_RUN: Final = 'job="worker", span_kind="SPAN_KIND_CONSUMER"'
_WAIT: Final = 'job="worker", span_name=~"wait .*", phase!="true"'
_PHASE: Final = 'job="worker", phase="true"'

_NOW: Final = Row(
    "Now",
    [
        Panel("Requests a second", {"throughline:http_requests:rate5m": ""}, "reqps", "stat", 4, 4),
        Panel("Requests that fail", {"throughline:http_errors:ratio5m": ""}, "percentunit", "stat", 4, 4, limit=0.05),
        Panel("Tasks waiting", {f"sum({_redis('throughline_queue_depth')})": ""}, "short", "stat", 4, 4),
        Panel("Oldest waits", {"max(throughline_queue_oldest_age_seconds)": ""}, "s", "stat", 4, 4, limit=120),
        Panel("Workers alive", {_redis("throughline_workers_alive"): ""}, "short", "stat", 4, 4),
        Panel("Alerts", {'count(ALERTS{alertstate="firing"}) or vector(0)': ""}, "short", "stat", 4, 4, limit=1),
    ],
)
_REQUESTS: Final = Row(
    "Requests",
    [
        Panel(
            "By status",
            {_calls(_NGINX, "http_response_status_code"): "{{http_response_status_code}}"},
            "reqps",
            means="The API's requests as NGINX answered them; health checks are not among them.",
        ),
        Panel(
            "Share that fails",
            {f"throughline:http_errors:ratio{window}": window for window in ("5m", "30m", "1h", "6h")},
            "percentunit",
            means="Answered with a 5xx. The page comes when 5 minutes and the hour are both above 5 %.",
            limit=0.05,
        ),
        Panel("Answered within", {_quantile(q, _NGINX): f"{q:.0%}" for q in (0.5, 0.95, 0.99)}, "s"),
    ],
)
_FAILED: Final = 'http_response_status_code=~"5.."'
_VERSIONS: Final = Row(
    "Versions",
    [
        Panel(
            "Answered by",
            {_calls(_NGINX, "upstream_version"): "{{upstream_version}}"},
            "reqps",
            means="The version of the replica that answered; none: NGINX itself did.",
        ),
        Panel(
            "Share that fails, by version",
            {
                _share(_NGINX, _FAILED, "upstream_version", "5m"): "{{upstream_version}}",
            },
            "percentunit",
            means="Of all requests, those answered with a 5xx: the lines add up to the share that fails. A replica "
            "that crashes answers nothing: none.",
            limit=0.05,
        ),
        Panel(
            "Runs that fail, by version",
            {
                _share(_RUN, 'status="FAILURE"', "service_version", "10m"): "{{service_version}}",
            },
            "percentunit",
            means="Of all runs, by the version of the worker.",
            limit=0.2,
        ),
    ],
)
_QUEUES: Final = Row(
    "Queues",
    [
        Panel("Waiting", {_redis("throughline_queue_depth"): "{{queue}}"}),
        Panel("Age of the oldest", {_redis("throughline_queue_oldest_age_seconds"): "{{queue}}"}, "s", limit=120),
        Panel("Wait before the run, 95 %", {_quantile(0.95, _WAIT, "span_name"): "{{span_name}}"}, "s"),
        Panel(
            "Circuit breaker",
            {_redis("throughline_circuit_state"): "{{state}}"},
            kind="state-timeline",
            means="1 for the state that it is in.",
        ),
        Panel(
            "Workers",
            {_redis("throughline_workers_alive"): "alive", _redis("throughline_workers_expected"): "expected"},
        ),
        Panel(
            "Held",
            {_redis("throughline_tasks_in_flight"): "in flight", _redis("throughline_dead_letters"): "dead letters"},
        ),
        Panel(
            "Redis's memory",
            {
                _redis("throughline_redis_memory_used_bytes"): "used",
                _redis("throughline_redis_memory_limit_bytes"): "maxmemory",
            },
            "bytes",
            width=12,
            means="Above 80 % of maxmemory new tasks are refused; the rest is for what was accepted.",
        ),
        Panel(
            "Refused for memory",
            {_redis("throughline_memory_full"): "refused"},
            kind="state-timeline",
            width=12,
            means="1 while new tasks are refused with MEMORY_FULL.",
        ),
    ],
)
_TASKS: Final = Row(
    "Tasks",
    [
        Panel("Runs by status", {_calls(_RUN, "status"): "{{status}}"}, "ops", width=6),
        Panel("Share that fails", {"throughline:task_failures:ratio10m": "10m"}, "percentunit", width=6, limit=0.2),
        Panel("Run, 95 %", {_quantile(0.95, _RUN, "span_name"): "{{span_name}}"}, "s", width=6),
        Panel(
            "Where the time goes",
            {
                f"sum by (span_name) (rate(throughline_span_duration_seconds_sum{{{_PHASE}}}[$__rate_interval]))": (
                    "{{span_name}}"
                )
            },
            "short",
            width=6,
            means="How many processes are in each phase. A phase within a phase counts in both.",
        ),
    ],
)
_HISTORY: Final = Row(
    "History",
    [
        Panel(
            "Ended and not copied yet",
            {"max(throughline_history_behind)": "tasks"},
            width=12,
            means="Ended tasks that are in Redis alone: at rest for a second or two each.",
        ),
        Panel(
            "Age of the oldest",
            {"max(throughline_history_behind_age_seconds)": "since its end"},
            "s",
            width=12,
            limit=60,
        ),
    ],
)
_PLANE: Final = Row(
    "The plane",
    [
        Panel("Log lines behind", {"throughline_logs_lag_seconds": "newest line"}, "s", limit=60),
        Panel("Span batches waiting for Jaeger", {"otelcol_exporter_queue_size": "{{exporter}}"}, limit=100),
        Panel("Metrics given", {"min by (job) (up)": "{{job}}"}, kind="state-timeline"),
    ],
)
ROWS: Final = (_NOW, _REQUESTS, _VERSIONS, _QUEUES, _TASKS, _HISTORY, _PLANE)


def dashboard(rows: Sequence[Row] = ROWS) -> dict[str, Any]:
    """The dashboard as Grafana's provisioning reads it."""
    return {
        "uid": "throughline-overview",
        "title": "Throughline: overview",
        "tags": ["throughline"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "panels": list(_placed(rows)),
    }


def _placed(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    top, number = 0, 0
    for row in rows:
        number += 1
        place = {"x": 0, "y": top, "w": _COLUMNS, "h": 1}
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "panels": [], "gridPos": place}
        top, left = top + 1, 0
        for panel in row.panels:
            number += 1
            if left + panel.width > _COLUMNS:
                top, left = top + panel.height, 0
            yield _drawn(panel, number, {"x": left, "y": top, "w": panel.width, "h": panel.height})
            left += panel.width
        top += row.panels[-1].height


def _drawn(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": _described(panel),
        "datasource": _DATASOURCE,
        "gridPos": place,
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": _DATASOURCE, "expr": query, "legendFormat": legend}
            for index, (query, legend) in enumerate(panel.queries.items())
        ],
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, **_limited(panel)},
            "overrides": colours.overrides(),
        },
        "options": {"reduceOptions": {"calcs": ["lastNotNull"]}} if panel.kind == "stat" else {},
    }


def _described(panel: Panel) -> str:
    of_spans = any(name in query for query in panel.queries for name in _FROM_SPANS)
    return f"{panel.means} {_OF_SAMPLED}".strip() if of_spans else panel.means


def _limited(panel: Panel) -> dict[str, Any]:
    """Green below the limit, red from there on; without a limit green."""
    steps: list[dict[str, Any]] = [{"color": palette.STATES["success"], "value": None}]
    if panel.limit is None:
        return {"thresholds": {"mode": "absolute", "steps": steps}}
    steps.append({"color": palette.FAILED, "value": panel.limit})
    drawn = {"custom": {"thresholdsStyle": {"mode": "line"}}} if panel.kind == "timeseries" else {}
    return {"thresholds": {"mode": "absolute", "steps": steps}, **drawn}


def main() -> None:
    FILE.write_text(written(), encoding="utf-8")


def written() -> str:
    """The dashboard as the file holds it."""
    return json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
