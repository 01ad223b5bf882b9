"""Why an attempt ended, or a task was put back, in words: made from the code when somebody reads it."""

from typing import Final

from throughline.ledger.states import Reason

_WORDS: Final = {
    Reason.LOST_PROCESS: "lost with process {process} of {worker}",
    Reason.LOST_WORKER: "lost with {worker}",
    Reason.LOST_WITHIN: "{worker} no longer had it",
    Reason.LOST_ON_THE_WAY: "lost on the way to a worker",
    Reason.HANDED_BACK: "handed back by {worker}, which was stopped",
    Reason.RETRIED: "retried: {error}",
    Reason.RETRIES_USED_UP: "retries used up: {error}",
    Reason.FAILED: "{error}",
    Reason.TIME_LIMIT: "ended at its hard time limit",
    Reason.UNKNOWN_TASK: "no worker knows a task of this name",
    Reason.INVALID_MESSAGE: "Celery cannot make a task of its message",
    Reason.DELIVERIES_USED_UP: "each process that it was delivered to was lost",
    Reason.DUE: "its wait after a temporary error is over",
    Reason.CANCEL_REQUESTED: "asked to stop",
    Reason.CANCELLED: "cancelled",
    Reason.REVOKED: "revoked through Celery",
    Reason.EXPIRED: "expired before it started",
    Reason.REPLAYED: "replayed by an operator",
}

TOO_LATE: Final = "its cancellation came too late"  # of an end of another kind, before the next checkpoint


def cause(reason: Reason | None, *, worker: str = "", process: int = 0, error: str = "") -> str:
    """Empty for what needs no words: the task returned, or has not ended. `error` is an exception's class."""
    words = _WORDS.get(reason, "") if reason else ""
    return words.format(worker=worker, process=process, error=error)
