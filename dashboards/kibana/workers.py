"""Workers and tasks: who does how much, how long tasks take, and which of them did not go well."""

from collections.abc import Mapping
from typing import Final

from dashboards.kibana.columns import by, by_task_type, count, highest, in_ranges, over_time, percentile, total
from dashboards.kibana.layout import dashboard
from dashboards.kibana.lens import chart, figure, heatmap, table
from dashboards.kibana.queries import CANCELLED, DEAD_LETTERED, ENDED, FAILED, RETRIED, SUCCEEDED
from dashboards.kibana.saved_object import SavedObject
from dashboards.kibana.searches import DEAD_LETTERS

_PUT_BACK: Final = "event.action : task.put_back"
_STALLED: Final = "event.action : worker.stalled"
_EDGES: Final[Mapping[float, str]] = {
    **{3: "3 ms", 10: "10 ms", 30: "30 ms", 100: "0.1 s", 300: "0.3 s"},
    **{1000: "1 s", 3000: "3 s", 10_000: "10 s", 30_000: "30 s"},
}


def page() -> SavedObject:
    return dashboard(
        "workers",
        "Workers and tasks",
        "The load of each worker, how long each type of task takes, and what was retried, given up or failed.",
        "now-1h",
        [
            (6, _counted()),
            (11, _load()),
            (9, [_per_worker()]),
            (12, _durations()),
            (11, _trouble()),
            (12, [DEAD_LETTERS]),
        ],
    )


def _counted() -> list[SavedObject]:
    return [
        figure("succeeded-count", "Succeeded", SUCCEEDED, count("Succeeded")),
        figure("failed-count", "Failed", FAILED, count("Failed")),
        figure("retried-count", "Retries", RETRIED, count("Retries")),
        figure("dead-count", "Dead letters", DEAD_LETTERED, count("Dead letters")),
        figure("put-back-count", "Put back by the sweep", _PUT_BACK, count("Put back by the sweep")),
        figure("stalled-count", "Workers stalled", _STALLED, count("Workers stalled")),
    ]


def _load() -> list[SavedObject]:
    worker = by("Worker", "worker", most=16)
    runs = {"time": over_time(), "worker": worker, "runs": count("Runs per minute", per="m")}
    busy = {"time": over_time(), "worker": worker, "busy": total("Run time", "duration_ms")}
    return [
        chart("worker-runs", "Runs by worker", ENDED, "bar_stacked", runs),
        chart("worker-busy", "Run time by worker, all its processes", ENDED, "bar_stacked", busy),
    ]


def _per_worker() -> SavedObject:
    columns = {
        "worker": by("Worker", "worker", most=64, order="runs"),
        "runs": count("Runs"),
        "succeeded": count("Succeeded", SUCCEEDED),
        "failed": count("Failed", FAILED),
        "retried": count("Retried", RETRIED),
        "cancelled": count("Cancelled", CANCELLED),
        "busy": total("Run time", "duration_ms"),
        "p95": percentile("Run time, p95", "duration_ms", 95),
        "longest": highest("Longest", "duration_ms"),
    }
    return table("per-worker", "Workers", ENDED, columns, sort="runs", widths={"worker": 260})


def _durations() -> list[SavedObject]:
    cells = {
        "duration": in_ranges("Run time, up to", "duration_ms", _EDGES),
        "type": by_task_type(),
        "runs": count("Runs"),
    }
    p95 = {"time": over_time(), "type": by_task_type(), "p95": percentile("p95", "duration_ms", 95)}
    return [
        heatmap("duration-by-type", "Run time by task type", ENDED, cells),
        chart("duration-p95", "Run time by task type, p95", ENDED, "line", p95),
    ]


def _trouble() -> list[SavedObject]:
    retries = {"time": over_time(), "error": by("Error", "problem"), "retries": count("Retries")}
    failures = {
        "error": by("Error", "problem", most=20, order="failures"),
        "type": by_task_type(order="failures"),
        "failures": count("Failures"),
    }
    return [
        chart("retries", "Retries by error type", RETRIED, "bar_stacked", retries),
        table("failures", "Failures by error type", FAILED, failures, sort="failures", widths={"failures": 110}),
    ]
