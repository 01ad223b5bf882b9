"""The journey as JSON for scripts: its keys are a promise, times are ISO 8601, lengths milliseconds."""

from datetime import datetime
from typing import Any

from throughline.journey.journey import Journey, LogLine, Request, Step


def to_dict(journey: Journey) -> dict[str, Any]:
    """Everything that was found, whichever way the terminal would show it."""
    return {
        "correlation_id": journey.correlation_id,
        "tasks": len(journey.tasks),
        "requests": [_request(request) for request in journey.requests],
        "loose_logs": [dict(line.fields) for line in journey.loose_logs],
    }


def _request(request: Request) -> dict[str, Any]:
    return {
        "trace_id": request.trace_id,
        "started": _iso(request.started),
        "method": request.method,
        "path": request.path,
        "http_status": request.http_status,
        "code": request.code or None,
        "submitted": request.submitted,
        "task_id": request.task_id or None,
        "task_type": request.task_type or None,
        "queue": request.queue or None,
        "status": request.status or None,
        "note": request.note or None,
        "total_ms": _ms(request.total_ns),
        "queue_wait_ms": _ms(request.queue_wait_ns),
        "run_ms": _ms(request.run_ns),
        "rest_ms": _ms(request.rest_ns),
        "slowest_step": _step(request.slowest),
        "steps": [_step(step) for step in request.steps],
        "logs": [_log(line) for line in request.logs],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "role": step.role,
        "service": step.service,
        "node": step.node,
        "offset_ms": _ms(step.offset_ns),
        "duration_ms": _ms(step.duration_ns),
        "own_ms": _ms(step.own_ns),
        "what": step.what,
        "failed": step.failed,
        "depth": step.depth,
        "span_id": step.span_id,
        "parent_span_id": step.parent_id or None,
    }


def _log(line: LogLine) -> dict[str, Any]:
    return {
        "offset_ms": None if line.offset_ns is None else _ms(line.offset_ns),
        "span_id": line.step_id,
        "line": dict(line.fields),
    }


def _ms(nanoseconds: int) -> float:
    return round(nanoseconds / 1e6, 3)


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
