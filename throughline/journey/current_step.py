"""Adds to a request what each of its tasks does at this moment: a span is written only when its step has ended."""

from collections.abc import Container
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from throughline.journey.journey import NO_SPAN, Request, Step, Task
from throughline.journey.role import Role
from throughline.journey.timing import totals_of
from throughline.ledger.states import Status


def with_current_steps(request: Request, task_ids: Container[str], now: datetime) -> Request:
    """The request with a step until now for each of these tasks that has not ended."""
    age_ns = (now.astimezone(UTC) - request.started) // timedelta(microseconds=1) * 1000
    under_way = [task for task in request.tasks if task.task_id in task_ids and not task.has_ended]
    steps = list(request.steps)
    for task in under_way:
        _insert(steps, task, age_ns)
    if len(steps) == len(request.steps):
        return request
    waited, ran, paused = totals_of(steps)
    return replace(
        request,
        steps=tuple(steps),
        total_ns=max(request.total_ns, age_ns),
        queue_wait_ns=waited,
        run_ns=ran,
        pause_ns=paused,
        slowest=max(steps, key=lambda step: (step.own_ns, step.depth)),
    )


_ROLES: Final[dict[str, Role]] = {Status.PENDING: Role.WAIT, Status.STARTED: Role.RUN, Status.RETRY: Role.PAUSE}
_NAMES: Final = {Role.WAIT: "wait {task.queue}", Role.RUN: "run {task.task_type}", Role.PAUSE: "wait for retry"}


def _insert(steps: list[Step], task: Task, age_ns: int) -> None:
    """A run goes directly after its wait, since its phases follow it; a wait goes after all steps of its task."""
    own = [index for index, step in enumerate(steps) if step.task_id == task.task_id]
    of_task = [index for index in own if steps[index].role in {Role.WAIT, Role.RUN, Role.LOST, Role.PAUSE, Role.MARK}]
    role = _ROLES.get(task.status, Role.WAIT)
    begin = max([task.since_ns, *(steps[index].end_ns for index in of_task)])
    if not own or begin >= age_ns:
        return
    last = of_task[-1] if of_task else own[-1]
    at = last + 1
    while role is not Role.RUN and at < len(steps) and steps[at].depth > task.depth:
        at += 1
    steps.insert(at, _step(task, role, begin, age_ns))


def _step(task: Task, role: Role, begin_ns: int, end_ns: int) -> Step:
    running = role is Role.RUN
    return Step(
        span_id=NO_SPAN,
        parent_id="",
        role=role,
        name=_NAMES[role].format(task=task).strip(),
        service="worker" if running else "",
        node=task.node if running else "",
        depth=task.depth,
        offset_ns=begin_ns,
        duration_ns=end_ns - begin_ns,
        own_ns=end_ns - begin_ns,
        what=_what(task),
        failed=False,
        task_id=task.task_id,
        is_ongoing=True,
    )


def _what(task: Task) -> str:
    match task.status:
        case Status.STARTED:
            return f"running {task.task_type}".strip()
        case Status.RETRY:
            return f"waiting for attempt {task.attempt + 1}" if task.attempt else "waiting for another attempt"
        case _:
            return f"waiting in {task.queue}" if task.queue else "waiting in its queue"
