"""A task that a worker's main process holds: what its message may contain, and what is logged when it is given up."""

import time
from typing import Any, Final

from billiard.einfo import ExceptionWithTraceback
from celery.app.task import Context
from celery.exceptions import InvalidTaskError, TimeLimitExceeded, WorkerLostError
from celery.worker.request import Request
from celery.worker.state import task_ready

from throughline.ledger import envelope
from throughline.ledger import message as own
from throughline.ledger.causes import cause
from throughline.ledger.states import Reason
from worker import attempt_spans, killed_processes, lost_processes, publications, recorded
from worker.delivery import Delivery

# Celery makes an attribute of each header: one of these names would take the place of a method.
_METHODS: Final = frozenset(name for name in dir(Context) if callable(getattr(Context, name)))
# OpenTelemetry's instrumentation makes an attribute of the span of these. No message of Celery's has them; of any other
# they are a text that may hold the task's data, or a value at which the instrumentation fails and never ends the span.
_OF_A_PUBLICATION: Final = frozenset(
    {"countdown", "declare", "exchange", "priority", "queue", "routing_key", "serializer", "state"}
)
TAKEN_AT: Final = "taken_at"  # for the process that runs it: when this one received the message, by their host's clock
_IGNORED: Final = _METHODS | _OF_A_PUBLICATION
# In the place of what a task was given or gave, for whoever watches (Flower, `celery events`, `celery inspect`).
_UNTOLD: Final = {"argsrepr": envelope.ARGUMENTS, "kwargsrepr": envelope.NAMED_ARGUMENTS}


class HeldRequest(Request):
    """Knows its task's correlation ID and trace from the start: Celery's own signal comes too late for what expired."""

    _was_cut_off = False  # its process was stopped in the middle of it, and this one tells why

    def __init__(self, message: Any, headers: Any = None, **options: Any) -> None:
        """Raises `InvalidTaskError` for a message that no process could run."""
        sent = {**(message.headers or {}), **(headers or {})}
        kept = {name: value for name, value in sent.items() if name not in _IGNORED}
        super().__init__(message, headers=kept | _valid(kept), **options)
        queue = (message.delivery_info or {}).get("routing_key")
        # A protocol 1 message has its own headers beside the task's.
        self.delivery = Delivery.of({**kept, **(message.headers or {}), "id": self.id, "task": self._type}, queue)
        # The headers travel to the task's process, and into a retry's message, as the request's `headers`: Celery's
        # request has the *property* correlation_id, which is the task's ID, in the place of the header.
        self.request_dict.update(_UNTOLD)
        self._argsrepr, self._kwargsrepr = _UNTOLD["argsrepr"], _UNTOLD["kwargsrepr"]
        self.request_dict["headers"] = self.delivery.headers() | {TAKEN_AT: time.time()}
        self.request_dict[own.TRACEPARENT] = self.delivery.traceparent or None
        # GET answers with the result of every task, whether or not its sender wanted to read it from Celery.
        self._ignore_result = self.request_dict["ignore_result"] = False
        _, _, embed = self._payload
        if not isinstance(self.args, list | tuple) or not isinstance(self.kwargs, dict):
            raise InvalidTaskError("the message's body must hold a list of arguments and a mapping of named ones")
        if not isinstance(embed, dict | None):
            raise InvalidTaskError("the third part of the message's body must be a mapping")

    def info(self, safe: bool = False) -> dict[str, Any]:
        """What `celery inspect` tells of it: never with its arguments."""
        told: dict[str, Any] = super().info(safe=True)
        return told

    def send_event(self, type: str, **fields: Any) -> None:
        """Of an error its class alone: message and traceback may hold what the task was given."""
        if "exception" in fields:
            fields["exception"] = f"{str(fields['exception']).partition('(')[0]}(...)"
        fields |= {name: "" for name in ("result", "traceback") if name in fields}
        super().send_event(type, **fields)

    def cancel(self, pool: Any, signal: Any = None, emit_retry: bool = True) -> None:
        """The worker stops and has no time to finish the task: that does not count as a delivery."""
        if self.task.acks_late and not self.acknowledged:
            self._give_up(stopped=True)
        super().cancel(pool, signal, emit_retry=emit_retry)

    def reject(self, requeue: bool = False) -> None:
        """Its process was lost: the message goes back to its queue."""
        if requeue:
            self._give_up(stopped=False)
        super().reject(requeue=requeue)

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> None:
        self._was_cut_off = isinstance(_plain(exc_info.exception), TimeLimitExceeded)
        if self.worker_pid:
            lost_processes.note_task(self.worker_pid, self.delivery, is_at_its_limit=self._was_cut_off)
        # Celery publishes the task's error callbacks here.
        with self.delivery.bound(), publications.below(attempt_spans.parent_of_all(self.delivery)):
            if self._was_lost(exc_info.exception) and recorded.is_settled(self.task.backend, self.delivery):
                task_ready(self)
                self.acknowledge()
            else:
                super().on_failure(exc_info, send_failed_event, return_ok)

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """At the hard limit `on_failure` was called before, and has stored the failure and told of it."""
        if soft:
            super().on_timeout(soft, timeout)
        else:
            recorded.tell(self.task.backend, self.delivery, f"ended at its hard time limit of {timeout:g} s")

    def acknowledge(self) -> None:
        """Its process has told how the task ended, or never had it."""
        if self.worker_pid and not self.acknowledged and not self._was_cut_off:
            killed_processes.note_end(self.worker_pid, self.delivery, self.task.backend)
        super().acknowledge()

    def _announce_revoked(self, reason: str, terminated: bool, signum: Any, expired: bool) -> None:
        backend, had_ended = self.task.backend, recorded.has_ended(self.task.backend, self.delivery)
        self._was_cut_off = terminated
        with self.delivery.bound():
            super()._announce_revoked(reason, terminated, signum, expired)
        if not had_ended:
            why = cause(Reason.EXPIRED if expired else Reason.REVOKED)
            recorded.tell_revoked(backend, self.delivery, why)

    def _give_up(self, *, stopped: bool) -> None:
        with self.delivery.bound():
            handed = self.task.backend.hand_back(self.id, stopped=stopped, process=self.worker_pid)
            recorded.tell_handed_back(self.task.backend, self.delivery, handed)

    def _was_lost(self, error: BaseException) -> bool:
        """Whether its process has ended, and not because this one wanted it to."""
        wanted = self._already_revoked or self._already_cancelled
        return isinstance(_plain(error), WorkerLostError | SystemExit | KeyboardInterrupt) and not wanted


def _plain(error: BaseException) -> BaseException:
    """As it was raised in the task's process."""
    return error.exc if isinstance(error, ExceptionWithTraceback) else error


def _valid(headers: dict[str, Any]) -> dict[str, Any]:
    """Celery's headers that its own code takes on trust, in the middle of what must not be left half done."""
    if not isinstance(headers.get("id"), str) or not headers["id"]:
        raise InvalidTaskError("the header id must be a text")
    limits = headers.get("timelimit") or (None, None)
    if not isinstance(limits, list | tuple) or len(limits) != 2 or not all(map(_is_limit, limits)):
        raise InvalidTaskError("the header timelimit must be two numbers of seconds, or null")
    stamped, stamps, retries = (headers.get(name) for name in ("stamped_headers", "stamps", "retries"))
    return {
        "timelimit": limits,
        "stamped_headers": stamped if isinstance(stamped, list) and all(isinstance(s, str) for s in stamped) else None,
        "stamps": stamps if isinstance(stamps, dict) else {},
        "retries": retries if isinstance(retries, int) else 0,
    }


def _is_limit(seconds: object) -> bool:
    return seconds is None or (isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds >= 0)
