"""A request whose task is not done yet, with what it does at this moment as a last step: its span is yet to come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from throughline.journey.journey import Request, Step
from throughline.journey.span import Role
from throughline.ledger.states import Status

NO_SPAN: Final = ""  # the step's span_id


def with_current_step(request: Request, now: datetime) -> Request:
    """The same, but for the time since its last span; unchanged when its task is done or never was."""
    last = next((step for step in reversed(request.steps) if step.role in _BEFORE.get(request.status, ())), None)
    age_ns = (now.astimezone(UTC) - request.started) // timedelta(microseconds=1) * 1000
    if last is None or age_ns <= last.end_ns:
        return request
    waits = request.status != Status.STARTED
    now_doing = replace(
        last,
        span_id=NO_SPAN,
        parent_id="",
        role=Role.WAIT if waits else Role.RUN,
        name=f"wait {request.queue}" if waits else f"run {request.task_type}".strip(),
        depth=0,
        offset_ns=last.end_ns,
        duration_ns=age_ns - last.end_ns,
        own_ns=age_ns - last.end_ns,
        what=_what(request),
        failed=False,
        node=last.node if request.status == Status.STARTED else "",
        service="worker",
    )
    steps = _with(request.steps, last, now_doing)
    return replace(
        request,
        steps=steps,
        total_ns=max(request.total_ns, age_ns),
        queue_wait_ns=request.queue_wait_ns + now_doing.duration_ns * waits,
        run_ns=request.run_ns + now_doing.duration_ns * (not waits),
        slowest=max(steps, key=lambda step: (step.own_ns, step.depth)),
    )


_BEFORE: Final[dict[str, set[Role]]] = {
    Status.PENDING: {Role.PUBLISH, Role.API, Role.NGINX},
    Status.STARTED: {Role.WAIT},
    Status.RETRY: {Role.RUN},
}


def _what(request: Request) -> str:
    match request.status:
        case Status.PENDING:
            return f"waits in {request.queue}"
        case Status.RETRY:
            return "waits for another attempt"
        case _:
            return f"runs {request.task_type}".strip()


def _with(steps: tuple[Step, ...], last: Step, now_doing: Step) -> tuple[Step, ...]:
    """Right behind the last step: phases that have ended stand below the run that they belong to."""
    at = steps.index(last) + 1 if now_doing.role is Role.RUN else len(steps)
    return (*steps[:at], now_doing, *steps[at:])
