"""The calls of a client, step by step: what is sent, when it is sent again, what comes of it."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from throughline.client import requests
from throughline.client.address import checked_seconds
from throughline.client.answers import document, error_of, is_success, is_temporary, retry_after
from throughline.client.errors import (
    NoAnswer,
    ResultTimeout,
    TaskFailed,
    TaskFinished,
    TaskRevoked,
    Unavailable,
    UnreadableResult,
)
from throughline.client.exchange import Answer, Call, Lost, Pause, Request
from throughline.client.patience import Patience
from throughline.ledger.states import Status

_KEY_LIVES_SECONDS: Final = 300.0  # the service's IDEMPOTENCY_TTL_SECONDS
_LONGEST_WAIT_SECONDS: Final = 25.0  # the API takes 30
_GRACE_SECONDS: Final = 1.0  # for an answer that is given when the wait is over
_LOOK_AGAIN_SECONDS: Final = 0.2  # where something between answers without waiting


@dataclass(frozen=True)
class Limits:
    """How long one answer may take, and how long a call may take with all its retries."""

    timeout: float
    deadline: float
    clock: Callable[[], float] = time.monotonic


def limits(timeout: float, deadline: float) -> Limits:
    """A later try than the service remembers its key for would be another task."""
    return Limits(checked_seconds("timeout", timeout), checked_seconds("deadline", deadline, _KEY_LIVES_SECONDS))


@dataclass(frozen=True)
class Submitted:
    """An accepted task; `answer` is what the service said of it."""

    task_id: str
    correlation_id: str
    answer: dict[str, Any]


def workers(limits: Limits) -> Call[dict[str, Any]]:
    """The workers and the latest deaths."""
    answer = yield from _answered(Request("GET", "/api/v1/workers"), limits, _patience(limits))
    return document(answer, "now", "workers", "deaths")


def submit(request: Request, limits: Limits) -> Call[Submitted]:
    """Every try carries the same idempotency key, so that all of them together make one task."""
    answer = yield from _answered(request, limits, _patience(limits))
    accepted = document(answer, "task_id", "status")
    return Submitted(str(accepted["task_id"]), request.headers["X-Request-ID"], accepted)


def details(task_id: str, limits: Limits) -> Call[dict[str, Any]]:
    answer = yield from _answered(requests.look(task_id), limits, _patience(limits))
    return document(answer, "task_id", "status")


def status(task_id: str, limits: Limits) -> Call[Status]:
    task = yield from details(task_id, limits)
    return Status(task["status"])


def task_input(task_id: str, limits: Limits) -> Call[Any]:
    answer = yield from _answered(requests.look(task_id, "/input"), limits, _patience(limits))
    return document(answer, "data")["data"]


def timeline(task_id: str, limits: Limits) -> Call[dict[str, Any]]:
    answer = yield from _answered(requests.look(task_id, "/timeline"), limits, _patience(limits))
    return document(answer, "changes")


def cancel(task_id: str, limits: Limits) -> Call[Status]:
    """A task that is cancelled already is what was asked for: perhaps by a try whose answer was lost."""
    try:
        answer = yield from _answered(requests.cancellation(task_id), limits, _patience(limits))
    except TaskFinished:
        now = yield from status(task_id, limits)
        if now is Status.REVOKED:
            return now
        raise
    return Status(document(answer, "status")["status"])


def page(request: Request, limits: Limits) -> Call[dict[str, Any]]:
    answer = yield from _answered(request, limits, _patience(limits))
    return document(answer, "tasks")


def ended(task_id: str, seconds: float, limits: Limits) -> Call[dict[str, Any]]:
    """The task once it has ended; whatever restarts meanwhile is waited for. Raises `ResultTimeout`."""
    checked_seconds("timeout", seconds)
    began, patience = limits.clock(), Patience(seconds, limits.clock)
    known = ""
    while True:
        asked_at = limits.clock()
        wait = math.floor(min(_LONGEST_WAIT_SECONDS, patience.left()) * 1000) / 1000
        request = requests.look(task_id, query={"wait": f"{wait:.3f}"})
        try:
            answer = yield from _answered(request, limits, patience, wait)
        except (NoAnswer, Unavailable) as error:
            waited = round(limits.clock() - began, 3)
            raise ResultTimeout(task_id, known, waited, f"The last try: {error}") from error
        task = document(answer, "status")
        known = str(task["status"])
        if Status(known).is_final:
            return task
        if not patience.left():
            raise ResultTimeout(task_id, known, seconds)
        if limits.clock() - asked_at < wait / 2:
            yield Pause(min(_LOOK_AGAIN_SECONDS, patience.left()))


def result_of(task: Mapping[str, Any]) -> Any:
    """The result of a task that has ended; raises `TaskFailed`, `TaskRevoked`, `UnreadableResult`."""
    task_id, correlation_id = str(task.get("task_id")), str(task.get("correlation_id", ""))
    error = task.get("error") or {}
    match Status(task["status"]):
        case Status.SUCCESS if error:
            raise UnreadableResult(task_id, str(error.get("message", "")), correlation_id)
        case Status.SUCCESS:
            return task.get("result")
        case Status.REVOKED:
            raise TaskRevoked(task_id, correlation_id)
        case _:
            raise TaskFailed(task_id, str(error.get("type", "Error")), str(error.get("message", "")), correlation_id)


def _patience(limits: Limits) -> Patience:
    return Patience(limits.deadline, limits.clock)


def _answered(request: Request, limits: Limits, patience: Patience, wait: float = 0.0) -> Call[Answer]:
    """A successful answer, however many tries it takes; raises the refusal, or `NoAnswer` when the time is up."""
    while True:
        seconds = min(limits.timeout + wait, patience.left() + (_GRACE_SECONDS if wait else 0.0))
        outcome = yield request.within(max(seconds, 0.001))
        assert outcome is not None
        if isinstance(outcome, Answer) and is_success(outcome):
            patience.succeeded()
            return outcome
        pause = pause_after(outcome, patience)
        if pause is None:
            raise failure(outcome, request)
        yield Pause(pause)


def pause_after(outcome: Answer | Lost, patience: Patience) -> float | None:
    """Seconds until the same request is worth another try; None when it is not, or when the time is up."""
    if isinstance(outcome, Lost):
        return None if outcome.final else patience.pause()
    return patience.pause(retry_after(outcome.headers)) if is_temporary(outcome) else None


def failure(outcome: Answer | Lost, request: Request) -> Exception:
    """The error that a call ends with on this."""
    if isinstance(outcome, Answer):
        return error_of(outcome)
    correlation_id = request.headers.get("X-Request-ID", "")
    key = request.headers.get("Idempotency-Key", "").strip('"')
    return NoAnswer(
        f"No answer to {request.method} {request.path}: {outcome.reason}"
        + (f"\ncorrelation ID: {correlation_id}" if correlation_id else ""),
        correlation_id=correlation_id,
        idempotency_key=key,
    )
