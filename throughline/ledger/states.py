"""A task's states and every change between them, as data: docs/states.md and the Lua scripts take them from here.

The status words are Celery's own; the API, log lines, spans and Redis all use them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """A task goes from PENDING through STARTED to one of the last three; RETRY is a wait between two attempts."""

    PENDING = "PENDING"
    STARTED = "STARTED"
    RETRY = "RETRY"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    REVOKED = "REVOKED"

    @property
    def is_final(self) -> bool:
        return self in FINAL


FINAL: Final = (Status.SUCCESS, Status.FAILURE, Status.REVOKED)


class Reason(StrEnum):
    """Why a task changed its state, as a code: attempts keep it as `ended_by`. causes.py has the words."""

    ACCEPTED = "accepted"
    RECEIVED = "received"
    CLAIMED = "claimed"
    RETURNED = "returned"
    FAILED = "failed"
    TIME_LIMIT = "time_limit"
    UNKNOWN_TASK = "unknown_task"
    INVALID_MESSAGE = "invalid_message"
    RETRIED = "retried"
    RETRIES_USED_UP = "retries_used_up"
    DELIVERIES_USED_UP = "deliveries_used_up"
    DUE = "due"
    HANDED_BACK = "handed_back"
    LOST_PROCESS = "lost_process"
    LOST_WORKER = "lost_worker"
    LOST_WITHIN = "lost_within"
    LOST_ON_THE_WAY = "lost_on_the_way"
    CANCEL_REQUESTED = "cancel_requested"  # noted in a task's changes; its state stays as it is
    CANCELLED = "cancelled"
    REVOKED = "revoked"
    EXPIRED = "expired"
    REPLAYED = "replayed"

    @property
    def leaves_no_span(self) -> bool:
        """An attempt that ended so was cut off with its process, which could not write its run span."""
        return self in LOST


# How attempts end whose process could write no run span.
LOST: Final = (Reason.LOST_PROCESS, Reason.LOST_WORKER, Reason.LOST_WITHIN, Reason.HANDED_BACK)
# Ends that need no attempt: a worker's main process, or a process that did not start the task, may store them.
WITHOUT_ATTEMPT: Final = (Reason.CANCELLED, Reason.REVOKED, Reason.EXPIRED, Reason.UNKNOWN_TASK, Reason.INVALID_MESSAGE)


@dataclass(frozen=True)
class Transition:
    """A change that the scripts may make; `before` is None for a task that has no record yet."""

    before: Status | None
    after: Status
    reason: Reason
    script: str
    means: str


def _transitions() -> tuple[Transition, ...]:
    pending, started, retry = Status.PENDING, Status.STARTED, Status.RETRY
    success, failure, revoked = Status.SUCCESS, Status.FAILURE, Status.REVOKED
    claims = "a worker process starts the task"
    late = "Celery alone knew of it, or the record of such a task has expired"
    return (
        Transition(None, pending, Reason.ACCEPTED, "front_door", "the api took the task"),
        Transition(None, pending, Reason.RECEIVED, "received", "a worker took a message that was sent past the api"),
        Transition(None, started, Reason.CLAIMED, "claim", f"{claims}; {late}"),
        Transition(None, success, Reason.RETURNED, "store", f"the task has a result; {late}"),
        Transition(None, failure, Reason.FAILED, "store", f"a permanent error; {late}"),
        Transition(None, failure, Reason.TIME_LIMIT, "store", f"the hard time limit ended its process; {late}"),
        Transition(None, failure, Reason.UNKNOWN_TASK, "store", "no worker knows a task of this name"),
        Transition(None, failure, Reason.INVALID_MESSAGE, "store", "Celery cannot make a task of its message"),
        Transition(None, retry, Reason.RETRIED, "store", f"a temporary error, retried by Celery; {late}"),
        *(
            Transition(None, revoked, reason, "store", f"ended before a worker started it; {late}")
            for reason in (Reason.CANCELLED, Reason.REVOKED, Reason.EXPIRED)
        ),
        Transition(pending, started, Reason.CLAIMED, "claim", claims),
        Transition(retry, started, Reason.CLAIMED, "claim", "Celery's own retry of a task that was sent past the api"),
        Transition(started, started, Reason.CLAIMED, "claim", "its worker is gone, and the message came again"),
        Transition(started, success, Reason.RETURNED, "store", "the task has a result"),
        Transition(started, failure, Reason.FAILED, "store", "a permanent error"),
        Transition(started, failure, Reason.TIME_LIMIT, "store", "the hard time limit ended its process"),
        Transition(started, failure, Reason.LOST_PROCESS, "store", "Celery gave up a task whose process was lost"),
        Transition(started, failure, Reason.RETRIES_USED_UP, "retry", "a dead letter: one temporary error too many"),
        *(
            Transition(before, failure, reason, "store", means)
            for before in (pending, retry)  # Celery's own retry may meet a worker that does not know the task
            for reason, means in (
                (Reason.UNKNOWN_TASK, "no worker knows a task of this name"),
                (Reason.INVALID_MESSAGE, "Celery cannot make a task of its message"),
            )
        ),
        *(
            Transition(before, failure, Reason.DELIVERIES_USED_UP, "claim", "a dead letter: it lost too many processes")
            for before in (pending, started, retry)
        ),
        Transition(started, retry, Reason.RETRIED, "retry, store", "a temporary error: it waits for its next attempt"),
        Transition(retry, pending, Reason.DUE, "sweep", "the wait is over"),
        Transition(started, pending, Reason.HANDED_BACK, "hand_back", "its worker stops and cannot finish it"),
        Transition(started, pending, Reason.LOST_PROCESS, "hand_back", "the process that ran it is gone"),
        Transition(started, pending, Reason.LOST_WORKER, "sweep", "the worker that ran it is gone"),
        Transition(started, pending, Reason.LOST_WITHIN, "sweep", "its worker lives, and does not hold it"),
        Transition(pending, pending, Reason.LOST_WORKER, "sweep", "the worker that had taken its message is gone"),
        *(
            Transition(before, pending, Reason.LOST_ON_THE_WAY, "sweep", "its message is nowhere")
            for before in (pending, started, retry)
        ),
        *(
            Transition(before, revoked, Reason.CANCELLED, "cancel, store", "a client cancelled it while it waited")
            for before in (pending, retry)
        ),
        Transition(started, revoked, Reason.CANCELLED, "store", "a client cancelled it; it stopped at a checkpoint"),
        *(
            Transition(before, revoked, Reason.REVOKED, "store", "`celery control revoke` or `terminate`")
            for before in (pending, started, retry)
        ),
        *(
            Transition(before, revoked, Reason.EXPIRED, "store", "Celery's `expires` was over before it started")
            for before in (pending, retry)
        ),
        Transition(failure, pending, Reason.REPLAYED, "replay, revive", "an operator replayed a dead letter"),
    )


TRANSITIONS: Final = _transitions()


def lua() -> str:
    """The same for the scripts: words between blanks, since a search in a constant costs less than a table."""
    moves = (f"{each.before or ''}>{each.after}:{each.reason}" for each in TRANSITIONS)
    return "\n".join(
        f"local {name} = ' {' '.join(words)} '"
        for name, words in (("MOVES", moves), ("FINAL", FINAL), ("LOST", LOST), ("WITHOUT_ATTEMPT", WITHOUT_ATTEMPT))
    )
