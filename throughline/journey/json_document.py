"""The journey as JSON for scripts: its keys are a promise, times are ISO 8601, lengths milliseconds."""

from datetime import datetime
from typing import Any

from throughline.journey.assembly import is_complete
from throughline.journey.attempt_end import AttemptEnd
from throughline.journey.comparison import Compare, Comparison, no_comparison
from throughline.journey.journey import Effect, Journey, LogLine, Request, Source, Step, Task
from throughline.journey.many_tasks import ManyTasks, many_tasks
from throughline.journey.summary import made_of
from throughline.ledger.states import Status
from throughline.profile import Figures


def to_dict(journey: Journey, compare: Compare = no_comparison) -> dict[str, Any]:
    """Everything that was found, also what the terminal leaves out; `typical` is null where too few are known."""
    return {
        "correlation_id": journey.correlation_id,
        "complete": is_complete(journey),
        "tasks": len(journey.tasks),
        "summary": _summary(many_tasks(journey.submissions)),
        "requests": [_request(request, compare(request)) for request in journey.requests],
        "loose_logs": [dict(line.fields) for line in journey.loose_logs],
    }


def _request(request: Request, compared: Comparison | None) -> dict[str, Any]:
    typical = compared.typical if compared else {}
    steps = [_step(step) | _typical(typical.get(index)) for index, step in enumerate(request.steps)]
    return {
        "trace_id": request.trace_id,
        "sampled": _sampled(request),
        "source": request.source,
        "source_note": made_of(request) or None,
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
        "pause_ms": _ms(request.pause_ns),
        "rest_ms": _ms(request.rest_ns),
        "tasks": [_task(task) for task in request.tasks],
        "effects": [_effect(effect) for effect in request.effects],
        "slowest_step": steps[request.steps.index(request.slowest)],
        "comparison": _comparison(compared),
        "steps": steps,
        "logs": [_log(line) for line in request.logs],
    }


def _summary(seen: ManyTasks) -> dict[str, Any]:
    """What the terminal and the page begin with where there are many tasks."""
    return {
        "states": {str(status): count for status, count in seen.states},  # orjson takes no enum for a key
        "types": [
            {
                "task_type": each.task_type,
                "count": each.count,
                "median_ms": _ms(each.median_ns),
                "slowest_ms": _ms(each.slowest_ns),
            }
            for each in seen.types
        ],
        "slowest": [
            {
                "task_id": each.task.task_id,
                "task_type": each.task.task_type or None,
                "status": each.task.status,
                "took_ms": _ms(each.took_ns),
            }
            for each in seen.slowest
        ],
        "errors": [
            {"error": same.error, "count": len(same.tasks), "task_ids": [task.task_id for task in same.tasks]}
            for same in seen.errors
        ],
    }


def _task(task: Task) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "parent_id": task.parent_id or None,
        "task_type": task.task_type or None,
        "queue": task.queue or None,
        "status": task.status,
        "note": task.note or None,
        "attempt": task.attempt or None,
        "error": _error(task),
        "attempts": [_attempt(end) for end in task.ends],
        "queue_wait_ms": _ms(task.queue_wait_ns),
        "run_ms": _ms(task.run_ns),
        "pause_ms": _ms(task.pause_ns),
    }


def _error(task: Task) -> dict[str, Any] | None:
    """Null unless it failed. The message is null where it may hold the task's data: then it is not in the log."""
    if task.status != Status.FAILURE:
        return None
    return {"type": task.error_type or None, "message": task.error_message or task.cause or None}


def _attempt(end: AttemptEnd) -> dict[str, Any]:
    return {
        "attempt": end.attempt or None,
        "status": end.status,
        "worker": end.node or None,
        "took_ms": _ms(end.took_ns),
        "lost_ms": _ms(end.lost_ns) if end.lost_ns else None,
        "error_type": end.error_type or None,
        "error_message": end.error_message or None,
        "raised_at": end.raised_at or None,
        "cause": end.cause or None,
    }


def _effect(effect: Effect) -> dict[str, Any]:
    return {"action": effect.action, "task_id": effect.task_id, "correlation_id": effect.correlation_id or None}


def _step(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "role": step.role,
        "service": step.service,
        "node": step.node,
        "version": step.version or None,
        "offset_ms": _ms(step.offset_ns),
        "duration_ms": _ms(step.duration_ns),
        "own_ms": _ms(step.own_ns),
        "what": step.what,
        "failed": step.failed,
        "depth": step.depth,
        "task_id": step.task_id or None,
        "requested_by": step.requested_by or None,
        "source": _source(step),
        "span_id": None if step.from_lines else step.span_id or None,
        "parent_span_id": None if step.from_lines else step.parent_id or None,
    }


def _sampled(request: Request) -> bool | None:
    """Null when neither a span nor a log line tells."""
    return False if request.unsampled else None if request.source is Source.LINES else True


def _source(step: Step) -> str:
    """A step that goes on has neither: its task's record tells of it."""
    if step.is_ongoing:
        return "record"
    return "span" if step.span_id and not step.from_lines else "log lines"


def _comparison(compared: Comparison | None) -> dict[str, Any] | None:
    """`step` is the one that differs most from what is typical; null for a request that is not slow."""
    if compared is None:
        return None
    return {"slow": compared.is_slow, "step": compared.sentence[1] or None, "says": compared.words}


def _typical(figures: Figures | None) -> dict[str, Any]:
    told = {"count": figures.count, "p50_ms": _ms(figures.p50_ns), "p95_ms": _ms(figures.p95_ns)} if figures else None
    return {"typical": told}


def _log(line: LogLine) -> dict[str, Any]:
    return {
        "offset_ms": None if line.offset_ns is None else _ms(line.offset_ns),
        "span_id": line.step_id or None,
        "line": dict(line.fields),
    }


def _ms(nanoseconds: int) -> float:
    return round(nanoseconds / 1e6, 3)


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
