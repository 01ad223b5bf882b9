"""Throughline overview: is it well, how much does it do, and what is slow or wrong."""

from typing import Final

from dashboards.kibana.columns import (
    PERCENT,
    Column,
    average,
    by,
    by_task_type,
    constant,
    count,
    different,
    highest,
    latest,
    lowest,
    over_time,
    percentile,
    percentiles,
)
from dashboards.kibana.layout import dashboard
from dashboards.kibana.lens import chart, figure, table
from dashboards.kibana.queries import AT_API, AT_NGINX, ERRORS, SAMPLES, SUCCEEDED, either
from dashboards.kibana.saved_object import SavedObject
from dashboards.kibana.searches import SLOWEST_REQUESTS

_TRANSITIONS: Final = either("event.action", "circuit.opened", "circuit.half_opened", "circuit.closed")
_WRONG: Final = f"{ERRORS} or error.type : * or http.response.status_code >= 400"
_TOO_MANY_ERRORS: Final = 0.05


def page() -> SavedObject:
    return dashboard(
        "overview",
        "Throughline overview",
        "Requests, queues, workers and errors, from the log lines of the nine.",
        "now-1h",
        [
            (6, _now()),
            (11, _requests()),
            (11, _latencies()),
            (9, _versions()),
            (11, _queues()),
            (9, _workers()),
            (9, _tasks()),
            (14, _worst()),
        ],
    )


def _now() -> list[SavedObject]:
    return [
        figure("circuit-now", "Circuit breaker", SAMPLES, latest("Circuit breaker", "circuit.state", "string")),
        figure("workers-now", "Workers alive", SAMPLES, latest("Workers alive", "workers.alive")),
        figure("in-flight-now", "Tasks in flight", SAMPLES, latest("Tasks in flight", "tasks.in_flight")),
        figure("waiting-now", "Tasks waiting", SAMPLES, latest("Tasks waiting", "queue.depth.total")),
        figure("errors-now", "Error rate", AT_NGINX, _error_rate()),
        figure("requests-now", "Requests", AT_NGINX, count("Requests")),
    ]


def _requests() -> list[SavedObject]:
    rate = {"time": over_time(), "rate": count("Requests per second", per="s")}
    errors = {"time": over_time(), "rate": _error_rate()}
    limit = constant("5 %", _TOO_MANY_ERRORS, PERCENT)
    return [
        chart("request-rate", "Request rate", AT_NGINX, "line", rate),
        chart("error-rate", "Error rate (answers of 500 and above)", AT_NGINX, "line", errors, limit=limit),
    ]


def _error_rate() -> Column:
    return average("Error rate", "request.failed", format=PERCENT)


def _latencies() -> list[SavedObject]:
    columns = {"time": over_time()} | percentiles("duration_ms")
    return [
        chart("latency-nginx", "Latency at NGINX", AT_NGINX, "line", columns),
        chart("latency-api", "Latency at the api", AT_API, "line", columns),
    ]


def _versions() -> list[SavedObject]:
    failed = {
        "time": over_time(),
        "version": by("Version", "upstream.version"),
        "failed": count("Failed requests", "http.response.status_code >= 500"),
    }
    seen = {
        "service": by("Service", "service.name", most=4, order="lines"),
        "version": by("Version", "service.version", order="lines"),
        "instances": different("Instances", "service.node.name"),
        "lines": count("Log lines"),
        "errors": count("Errors", ERRORS),
    }
    return [
        chart("errors-by-version", "Failed requests by the version that answered", AT_NGINX, "bar_stacked", failed),
        table("versions", "Versions", "service.version : *", seen, sort="lines"),
    ]


def _queues() -> list[SavedObject]:
    names = ("high", "medium", "low")
    depth = {name: highest(name, f"queue.depth.{name}") for name in names}
    times = {
        "wait": percentile("Waited, p50", "queue_wait_ms", 50),
        "wait95": percentile("Waited, p95", "queue_wait_ms", 95),
        "run": percentile("Ran, p50", "duration_ms", 50),
        "run95": percentile("Ran, p95", "duration_ms", 95),
    }
    return [
        chart("queue-depth", "Queue depth by priority", SAMPLES, "area_stacked", {"time": over_time()} | depth),
        chart("wait-and-run", "Queue wait against run time", SUCCEEDED, "line", {"time": over_time()} | times),
    ]


def _workers() -> list[SavedObject]:
    age = highest("Oldest waiting task", "queue.oldest_age_seconds")
    alive = lowest("Workers alive", "workers.alive")
    in_flight = highest("Tasks in flight", "tasks.in_flight")
    return [
        chart("oldest-age", "Age of the oldest waiting task", SAMPLES, "line", {"time": over_time(), "age": age}),
        chart("workers-alive", "Workers alive", SAMPLES, "line", {"time": over_time(), "alive": alive}),
        chart("in-flight", "Tasks in flight", SAMPLES, "line", {"time": over_time(), "in_flight": in_flight}),
    ]


def _tasks() -> list[SavedObject]:
    states = {"time": over_time(), "state": by("State", "circuit.state"), "samples": count("Samples")}
    changes = {"time": over_time(), "change": by("Change", "event.action"), "changes": count("Changes")}
    done = {"time": over_time(), "type": by_task_type(), "done": count("Tasks per minute", per="m")}
    return [
        chart("circuit-state", "Circuit breaker: state", SAMPLES, "bar_percentage_stacked", states),
        chart("circuit-changes", "Circuit breaker: transitions", _TRANSITIONS, "bar_stacked", changes),
        chart("throughput", "Throughput by task type", SUCCEEDED, "bar_stacked", done),
    ]


def _worst() -> list[SavedObject]:
    errors = {
        "problem": by("What", "problem", most=20, order="count"),
        "service": by("Where", "service.name", most=4, order="count"),
        "count": count("How often"),
        "last": latest("Latest correlation ID", "correlation_id", "string"),
    }
    return [table("top-errors", "Top errors", _WRONG, errors, sort="count"), SLOWEST_REQUESTS]
