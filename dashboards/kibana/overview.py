"""Throughline overview: is it well, how much does it do, and what is slow or wrong."""

from typing import Final

from dashboards import palette
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
    sampled,
)
from dashboards.kibana.layout import dashboard
from dashboards.kibana.lens import chart, figure, table
from dashboards.kibana.queries import AT_API, AT_NGINX, ERRORS, PROBLEMS, SAMPLES, SUCCEEDED, either
from dashboards.kibana.saved_object import SavedObject
from dashboards.kibana.searches import SLOWEST_REQUESTS

_EVENT_OF: Final = {"open": "circuit.opened", "half_open": "circuit.half_opened", "closed": "circuit.closed"}
_TRANSITIONS: Final = either("event.action", *_EVENT_OF.values())
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
            (9, _by_version()),
            (9, _versions()),
            (11, _queues()),
            (9, _workers()),
            (9, _tasks()),
            (11, [_top_errors()]),
            (14, [SLOWEST_REQUESTS]),
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
        chart("request-rate", "Request rate", AT_NGINX, "line", rate, colours={"rate": palette.SERVICES["nginx"]}),
        chart(
            "error-rate",
            "Error rate (answers of 500 and above)",
            AT_NGINX,
            "line",
            errors,
            limit=limit,
            colours={"rate": palette.PERCENTILES["p95"]},
        ),
    ]


def _error_rate() -> Column:
    return average("Error rate", "request.failed", format=PERCENT)


def _latencies() -> list[SavedObject]:
    columns = {"time": over_time()} | percentiles("duration_ms")
    return [
        chart("latency-nginx", "Latency at NGINX", AT_NGINX, "line", columns, colours=palette.PERCENTILES),
        chart("latency-api", "Latency at the api", AT_API, "line", columns, colours=palette.PERCENTILES),
    ]


def _by_version() -> list[SavedObject]:
    """Of requests by the replica's version, of runs by the worker's: a worse one is seen beside the other."""
    answered, ran = by("Version", "upstream.version"), by("Version", "service.version")
    rate = {"time": over_time(), "version": answered, "rate": _error_rate()}
    took = {"time": over_time(), "version": answered, "p95": percentile("p95", "duration_ms", 95)}
    runs = {"time": over_time(), "version": ran, "p95": percentile("p95", "duration_ms", 95)}
    return [
        chart("error-rate-by-version", "Error rate by version", AT_NGINX, "line", rate),
        chart("latency-by-version", "Latency at NGINX by version, p95", AT_NGINX, "line", took),
        chart("runs-by-version", "Run time by version, p95", SUCCEEDED, "line", runs),
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
        table("versions", "Versions", "service.version : *", seen, sort="lines", widths={"service": 110, "errors": 90}),
    ]


def _queues() -> list[SavedObject]:
    depth = {"time": sampled()} | {name: highest(name, f"queue.depth.{name}") for name in palette.QUEUES}
    times = {
        "time": over_time(),
        "wait-p50": percentile("Waited, p50", "queue_wait_ms", 50),
        "wait-p95": percentile("Waited, p95", "queue_wait_ms", 95),
        "run-p50": percentile("Ran, p50", "duration_ms", 50),
        "run-p95": percentile("Ran, p95", "duration_ms", 95),
    }
    both = "Queue wait against run time"
    return [
        chart("queue-depth", "Queue depth by priority", SAMPLES, "area_stacked", depth, colours=palette.QUEUES),
        chart("wait-and-run", both, SUCCEEDED, "line", times, colours=palette.WAIT_AND_RUN),
    ]


def _workers() -> list[SavedObject]:
    age = {"time": sampled(), "age": highest("Oldest waiting task", "queue.oldest_age_seconds")}
    alive = {"time": sampled(), "alive": lowest("Workers alive", "workers.alive")}
    held = {"time": sampled(), "in_flight": highest("Tasks in flight", "tasks.in_flight")}
    waits, runs = palette.WAIT, palette.RUN
    return [
        chart("oldest-age", "Age of the oldest waiting task", SAMPLES, "line", age, colours={"age": waits}),
        chart("workers-alive", "Workers alive", SAMPLES, "line", alive, colours={"alive": runs}),
        chart("in-flight", "Tasks in flight", SAMPLES, "line", held, colours={"in_flight": runs}),
    ]


def _tasks() -> list[SavedObject]:
    states = {"time": sampled(), "state": by("State", "circuit.state"), "samples": count("Samples")}
    changes = {"time": over_time(), "change": by("Change", "event.action"), "changes": count("Changes")}
    into = {_EVENT_OF[state]: colour for state, colour in palette.BREAKER.items()}
    bars = "bar_percentage_stacked"
    done = {"time": over_time(), "type": by_task_type(), "done": count("Tasks per minute", per="m")}
    return [
        chart("circuit-state", "Circuit breaker: state", SAMPLES, bars, states, colours=palette.BREAKER),
        chart("circuit-changes", "Circuit breaker: transitions", _TRANSITIONS, "bar_stacked", changes, colours=into),
        chart("throughput", "Throughput by task type", SUCCEEDED, "bar_stacked", done),
    ]


def _top_errors() -> SavedObject:
    errors = {
        "problem": by("What", "problem", most=20, order="count"),
        "service": by("Where", "service.name", most=4, order="count"),
        "count": count("How often"),
        "last": latest("Latest correlation ID", "correlation_id", "string"),
    }
    widths = {"service": 100, "count": 120, "last": 330}
    return table("top-errors", "Top errors", PROBLEMS, errors, sort="count", widths=widths)
