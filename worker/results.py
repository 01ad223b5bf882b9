"""Celery's result backend, which also keeps the task record: every state that Celery stores goes into both at once."""

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Any, Final

import orjson
from celery.app.task import Context
from celery.backends.redis import RedisBackend
from celery.exceptions import NotRegistered, TaskRevokedError
from redis.exceptions import ResponseError

from throughline.errors import TooManyDeliveries
from throughline.ledger import redis_clock, scripts, unwritable
from throughline.ledger.answers import Claim, HandedBack, Retried, Stored
from throughline.ledger.record import Attempt
from throughline.ledger.script import Call, Ledger, T
from throughline.ledger.scripts import Starter
from throughline.ledger.states import Reason, Status
from throughline.ledger.submission import Decision, Limits, Submission
from throughline.ledger.unwritable import Unwritable
from throughline.settings import WorkerSettings
from throughline.telemetry.logging import node_name
from worker import killed_processes, recorded
from worker.delivery import Delivery
from worker.strict_json import StrictJsonBackend

_MOST_ENDS: Final = 100

_logger = logging.getLogger("throughline.worker")


@dataclass(frozen=True)
class End:
    """The end of a task that this process has stored; `attempt` is the one that ended with it in another process."""

    at: float
    reason: Reason
    attempt: Attempt | None = None


class RecordingBackend(StrictJsonBackend):
    """Stores a state in one atomic step, where Celery's own backend reads, then writes, and may overwrite a success."""

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.client)

    @cached_property
    def _attempts(self) -> dict[str, str]:
        """The number of the attempt that this process makes, by task: the fence of every write."""
        return {}

    @cached_property
    def _late(self) -> set[str]:
        """The tasks of which this process came too late to store its attempt's end."""
        return set()

    @cached_property
    def _ends(self) -> dict[str, End]:
        return {}

    def end_of(self, task_id: str) -> End | None:
        """The end that this process has just stored of the task, once: whoever tells of it takes it from here."""
        return self._ends.pop(task_id, None)

    def _note_end(self, task_id: str, end: End) -> None:
        self._ends[task_id] = end
        if len(self._ends) > _MOST_ENDS:  # those that nobody had to tell of
            del self._ends[next(iter(self._ends))]

    def came_too_late(self, task_id: str) -> bool:
        """Whether the task has another end, or a later attempt, than the one that this process wanted to store."""
        return task_id in self._late

    def connect(self) -> None:
        """Connects, and loads every script. Raises `RedisError` or `OSError` when Redis is away."""
        self.ledger.load()
        redis_clock.own.look(self.client)

    def on_connection_error(self, max_retries: int | None, exc: Exception, intervals: Any, retries: int) -> Any:
        """Celery's own line says that Redis was lost, whatever it was."""
        reason = unwritable.reason(exc)
        if reason is None:
            return super().on_connection_error(max_retries, exc, intervals, retries)
        seconds = next(intervals)
        _logger.warning(
            "Redis takes no write: %s. Try %s of %s is in %g s", reason.words, retries, max_retries, seconds
        )
        return seconds

    def refuses_writes(self) -> Unwritable | None:
        """Why Redis, which answers, takes no write; raises `RedisError` or `OSError` when it does not answer."""
        try:
            self.ledger(scripts.health(memory_percent=100))
        except ResponseError as error:
            if reason := unwritable.reason(error):
                return reason
            raise
        return None

    def received(self, delivery: Delivery) -> Status:
        """This worker took a message that was sent past the api: its task has a record from now on."""
        return self._decided(scripts.received(delivery.task_id, ttl=_ttl(), record=delivery.record()))

    def submit(self, submission: Submission) -> Decision:
        """A running task submits another one."""
        asked = time.time()
        decision = self._decided(scripts.submit(submission, Limits.of(WorkerSettings.load())))
        redis_clock.own.heard(asked, decision.at)
        return decision

    def claim(self, task_id: str, request: Any, take: float | None = None) -> Claim:
        """Records that this process starts the task, or says why it must not. `take`: since its message was taken."""
        settings, delivery = WorkerSettings.load(), Delivery.of_request(request)
        record = delivery.record()
        started = self._meta(task_id, {"pid": os.getpid(), "hostname": _worker()}, Status.STARTED, request)
        dead = started | {"status": Status.FAILURE, "result": self._too_often, "date_done": _now()}
        call = scripts.claim(
            task_id,
            Starter(
                _worker(),
                os.getpid(),
                record["queue"],
                record,
                is_recorded=delivery.is_recorded,
                version=settings.service_version,
            ),
            ttl=_ttl(),
            max_deliveries=settings.max_deliveries,
            celery_started=self._encoded(started),
            celery_dead=self._encoded(dead),
            take=take,
            published=_since(None if delivery.is_recorded else delivery.published_at),
        )
        asked = time.time()
        claim = self._decided(call)
        redis_clock.own.heard(asked, claim.at)
        self._ends.pop(task_id, None)
        self._attempts.pop(task_id, None)  # of an earlier attempt in this process
        self._late.discard(task_id)
        if claim.outcome == "run":
            self._attempts[task_id] = str(claim.attempt)
        return claim

    def attempt(self, task_id: str) -> int:
        """The attempt at the task that this process makes, 1 for the first of all."""
        return int(self._attempts.get(task_id, 1))

    def retry_later(self, request: Any, error: Exception, delay: float, most: int) -> Retried:
        """It runs again after the delay, unless it has had so many retries."""
        task_id = request.id
        retried = self._decided(
            scripts.retry(
                task_id,
                attempt=self._attempts.get(task_id, ""),
                error_class=type(error).__name__,
                delay=delay,
                max_retries=most,
                ttl=_ttl(),
                celery_retry=self.encode(self._meta(task_id, error, Status.RETRY, request)),
                celery_failure=self.encode(self._meta(task_id, error, Status.FAILURE, request)),
            )
        )
        if retried.at is not None:
            reason = Reason.RETRIED if retried.outcome == "retry" else Reason.RETRIES_USED_UP
            self._note_end(task_id, End(retried.at, reason))
        return retried

    def hand_back(self, task_id: str, *, stopped: bool, process: int | None = None) -> HandedBack:
        """This worker gives the task up: it stops, or the task's process was lost."""
        reason = Reason.HANDED_BACK if stopped else Reason.LOST_PROCESS
        unseen = None if stopped else killed_processes.unseen_seconds(process)
        call = scripts.hand_back(task_id, worker=_worker(), reason=reason, unseen_seconds=unseen)
        return self._decided(call)

    def revoked(self, task_id: str, reason: Reason, request: Any) -> Stored:
        """Celery ended the task, which may not have started: REVOKED by its own command, or EXPIRED."""
        return self._store(task_id, None, Status.REVOKED, reason, request)

    def mark_as_revoked(
        self,
        task_id: str,
        reason: str = "",
        request: Any = None,
        store_result: bool = True,
        state: str = Status.REVOKED,
    ) -> None:
        """Celery's remote control comes without a request: the task waits, or another worker holds it."""
        if request is not None:
            super().mark_as_revoked(task_id, reason, request=request, store_result=store_result, state=state)
        elif not recorded.revoke_waiting(self, task_id):
            # A stock client's, which no worker has taken: Celery alone knows of it.
            RedisBackend._store_result(self, task_id, self.encode_result(TaskRevokedError(reason), state), state)

    def refused(self, delivery: Delivery, error: Exception) -> Stored:
        """A message that cannot be run: its task has failed before it started."""
        request = Context(delivery.request())
        result = self.encode_result(error, Status.FAILURE)
        reason = Reason.UNKNOWN_TASK if isinstance(error, NotRegistered) else Reason.INVALID_MESSAGE
        return self._store(delivery.task_id, result, Status.FAILURE, reason, request, type(error).__name__)

    def refused_unrecorded(self, task_id: str, error: Exception) -> None:
        """The same where there can be no record, since the text that the message has as its ID is no task's."""
        RedisBackend._store_result(self, task_id, self.encode_result(error, Status.FAILURE), Status.FAILURE)

    def _store_result(
        self,
        task_id: str,
        result: Any,
        state: str,
        traceback: str | None = None,
        request: Any = None,
        **_: Any,
    ) -> Any:
        if state not in Status.__members__:  # a stock task's own, such as PROGRESS: Celery's alone
            return super()._store_result(task_id, result, state, traceback=traceback, request=request)
        error = result if isinstance(result, dict) and state in self.EXCEPTION_STATES else {}
        status = Status(state)
        self._store(task_id, result, status, _reason(status, error), request, str(error.get("exc_type", "")), traceback)
        return result

    def _store(
        self,
        task_id: str,
        result: Any,
        status: Status,
        reason: Reason,
        request: Any,
        error_class: str = "",
        traceback: str | None = None,
    ) -> Stored:
        meta = self._get_result_meta(result=result, state=status, traceback=traceback, request=request)
        delivery = Delivery.of_request(request)
        stored = self._decided(
            scripts.store(
                task_id,
                status,
                reason,
                celery_result=self.encode(meta | {"task_id": task_id}),
                ttl=_ttl(),
                attempt=self._attempts.get(task_id, ""),
                worker=_worker(),
                error_class=error_class if status in {Status.FAILURE, Status.RETRY} else "",
                record=delivery.record(),
                # Without a message at hand there is only a record to end, and none to write.
                is_recorded=delivery.is_recorded or request is None,
            )
        )
        number = self._attempts.get(task_id)
        if stored and stored.at is not None:
            self._note_end(task_id, End(stored.at, reason, stored.attempt))
        elif number and not _is_stored_before(stored.attempt, int(number), status, reason):
            self._late.add(task_id)
        else:
            if number and stored.attempt and stored.attempt.finished_at:
                self._note_end(task_id, End(stored.attempt.finished_at, reason))
            _logger.warning("Task %s has ended already: %s is not stored again", task_id, status)
        return stored

    def _meta(self, task_id: str, result: Any, state: str, request: Any) -> dict[str, Any]:
        meta: dict[str, Any] = self._get_result_meta(self.encode_result(result, state), state, None, request)
        return meta | {"task_id": task_id}

    def _get_result_meta(
        self, result: Any, state: str, traceback: str | None, request: Any, *_: Any, **__: Any
    ) -> dict[str, Any]:
        """Celery's own asks the configuration twice for what never changes here, which took 36 µs of each task."""
        meta = {
            "status": state,
            "result": result,
            "traceback": traceback,
            "children": self.current_task_children(request),
            "date_done": _now() if state in self.READY_STATES else None,
        }
        group, parent = getattr(request, "group", None), getattr(request, "parent_id", None)
        told = {"group_id": group, "parent_id": parent}  # a stranger's headers hold anything
        return meta | {name: value for name, value in told.items() if value and isinstance(value, str)}

    def _encoded(self, meta: dict[str, Any]) -> str | bytes:
        """As `encode`, for what holds no result of a task: 10 µs faster."""
        try:
            return orjson.dumps(meta)
        except TypeError:  # half a character in the ID of its parent
            return str(self.encode(meta))

    @cached_property
    def _too_often(self) -> Any:
        """As Celery stores it: each claim has it with it, and hardly any needs it."""
        return self.encode_result(TooManyDeliveries.after(WorkerSettings.load().max_deliveries), Status.FAILURE)

    def _decided(self, call: Call[T]) -> T:
        """The script's answer, tried again while Redis is away as long as Celery's retry policy says."""
        first: list[Exception] = []

        def tried() -> T:
            if first:
                raise first.pop()
            return self.ledger(call)

        try:  # without Celery's preparations for more tries, which take 8 µs
            return self.ledger(call)
        except self.connection_errors as error:
            first.append(error)
        answer: T = self.ensure(tried, ())
        return answer


def _is_stored_before(latest: Attempt | None, number: int, status: Status, reason: Reason) -> bool:
    """Whether this very end was stored by an earlier call, whose answer was lost with its connection."""
    return latest is not None and (latest.number, latest.outcome, latest.ended_by) == (number, status, reason)


# What Celery says of an end, in its own words, and which reason that is.
_FAILURES: Final = {
    "TimeLimitExceeded": Reason.TIME_LIMIT,
    "WorkerLostError": Reason.LOST_PROCESS,
}
_REVOCATIONS: Final = {"revoked": Reason.REVOKED, "terminated": Reason.REVOKED, "expired": Reason.EXPIRED}


def _reason(status: Status, error: Mapping[str, Any]) -> Reason:
    match status:
        case Status.FAILURE:
            return _FAILURES.get(str(error.get("exc_type")), Reason.FAILED)
        case Status.REVOKED:
            words = error.get("exc_message") or ()
            return _REVOCATIONS.get(
                str(words[0] if isinstance(words, list | tuple) and words else words), Reason.CANCELLED
            )
        case Status.RETRY:
            return Reason.RETRIED
        case _:
            return Reason.RETURNED


def _now() -> str:
    return datetime.fromtimestamp(redis_clock.own.now(), UTC).isoformat()


@cache
def _worker() -> str:
    return node_name("worker", WorkerSettings.load())


def _since(moment: float | None) -> float | None:
    return None if moment is None else redis_clock.own.now() - moment


def _ttl() -> int:
    return WorkerSettings.load().result_ttl_seconds
