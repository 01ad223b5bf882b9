"""Makes a journey of what was found: pure functions from spans and log lines to requests and their steps."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from throughline.journey.journey import Journey, LogLine, Request, Step
from throughline.journey.log_placement import Line, place_lines, timed_line
from throughline.journey.search import Found
from throughline.journey.span import Role, Span
from throughline.journey.span_grouping import group_by_request
from throughline.journey.step_descriptions import describe_step, http_status
from throughline.journey.task_status import status_note, task_status
from throughline.journey.timing import own_ns, waited_and_ran_ns, with_plausible_times

_COMPLETE: Final = {Role.NGINX, Role.API, Role.PUBLISH, Role.WAIT, Role.RUN}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def assemble(correlation_id: str, found: Found) -> Journey:
    """The journey of the ID that all of this was found under."""
    lines = sorted((timed_line(fields) for fields in found.log_lines), key=lambda line: line.at_ns or 0)
    spans = [with_plausible_times(family) for family in group_by_request(found.spans)]
    by_family = place_lines(lines, spans)
    return Journey(
        correlation_id,
        requests=tuple(_request(family, by_family[index]) for index, family in enumerate(spans)),
        loose_logs=() if spans else tuple(LogLine("", None, line.fields) for line in lines),
    )


def is_complete(journey: Journey) -> bool:
    """A task was submitted, and every submitted one can be seen from NGINX to the end of a run."""
    tasks = journey.tasks
    return bool(tasks) and all({step.role for step in task.steps} >= _COMPLETE for task in tasks)


def _request(family: Sequence[Span], lines: Sequence[tuple[Span, Line]]) -> Request:
    start = min(span.start_ns for span in family)
    steps = _steps(family, start)
    waited, ran = waited_and_ran_ns(family)
    submitted = any(_shows_a_task(span) for span in family)
    status = task_status(family, [line for _, line in lines]) if submitted else ""
    logs = (
        LogLine(span.span_id, None if line.at_ns is None else line.at_ns - start, line.fields) for span, line in lines
    )
    return Request(
        trace_id=family[0].trace_id,
        started=_EPOCH + timedelta(microseconds=start // 1000),
        method=str(_first(family, "http.request.method") or ""),
        path=str(_first(family, "url.path") or ""),
        http_status=http_status(family[0]) or next(filter(None, map(http_status, family)), None),
        code=next((str(line.fields["code"]) for _, line in lines if "code" in line.fields), ""),
        submitted=submitted,
        # The api names the task that the client was told of; a refused submission's own ID names nothing.
        task_id=next((s.task_id for s in family if s.task_id and (submitted or s.role is Role.API)), ""),
        task_type=_task_type(family, [line for _, line in lines]) if submitted else "",
        queue=str(_first(family, "queue") or "") if submitted else "",
        status=status,
        note=status_note(status, family) if submitted else "",
        total_ns=max(span.end_ns for span in family) - start,
        queue_wait_ns=waited,
        run_ns=ran,
        slowest=max(steps, key=lambda step: (step.own_ns, step.depth)),
        steps=steps,
        logs=tuple(logs),
    )


def _steps(family: Sequence[Span], start: int) -> tuple[Step, ...]:
    depths: dict[tuple[str, str], int] = {}
    for span in family:
        handed_over = span.role in {Role.WAIT, Role.RUN}
        depths[span.key] = 0 if handed_over else depths.get(span.parent_key, -1) + 1
    return tuple(
        Step(
            span_id=span.span_id,
            parent_id=span.parent_id,
            role=span.role,
            name=span.name,
            service=span.service,
            node=span.place,
            depth=depths[span.key],
            offset_ns=span.start_ns - start,
            duration_ns=span.end_ns - span.start_ns,
            own_ns=own_ns(span, family),
            what=describe_step(span, family),
            failed=_failed(span),
        )
        for span in family
    )


def _failed(span: Span) -> bool:
    return span.failed or (http_status(span) or 0) >= 500 or span.attributes.get("status") in {"FAILURE", "RETRY"}


def _shows_a_task(span: Span) -> bool:
    return span.role in {Role.WAIT, Role.RUN} or "queue_position" in span.attributes


def _task_type(family: Sequence[Span], lines: Sequence[Line]) -> str:
    told = [_first(family, "task_type"), *(line.fields.get("task_type") for line in lines)]
    return next((str(name) for name in told if name), "")


def _first(family: Sequence[Span], attribute: str) -> Any:
    return next((span.attributes[attribute] for span in family if attribute in span.attributes), None)
