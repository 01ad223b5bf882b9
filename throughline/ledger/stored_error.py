"""What a stored task says of its error: the exception's class and its words, as the API and the page tell them."""

from typing import Final, NamedTuple

from throughline.ledger.states import Status
from throughline.ledger.stored_task import StoredTask

UNREADABLE: Final = "UnreadableResult"
# The errors of Celery's pool hold no words for people: the one has a bare number, the other its own name.
_TIME_LIMITS: Final = {
    "SoftTimeLimitExceeded": "It ran past its soft time limit, at which it was asked to stop.",
    "TimeLimitExceeded": "It ran past its time limit of {} s, at which its process was killed.",
}


class StoredError(NamedTuple):
    """`UnreadableResult` is that of a task that succeeded: what another worker stored as its result is no JSON."""

    type: str
    message: str


def stored_error(stored: StoredTask) -> StoredError | None:
    """None for a task that has none."""
    if stored.unreadable:
        words = f"The task succeeded, but its result, as it is stored, cannot be told: {stored.unreadable}."
        return StoredError(UNREADABLE, words)
    if stored.status is not Status.FAILURE:
        return None
    failure = stored.failure
    words, kind = failure.get("exc_message", ""), str(failure.get("exc_type", "Error"))
    message = " ".join(map(str, words)) if isinstance(words, list) else str(words)
    is_bare = failure.get("exc_module") == "billiard.exceptions" and not message.startswith("It ran past")
    if is_bare and kind in _TIME_LIMITS:
        message = _TIME_LIMITS[kind].format(message)
    return StoredError(kind, message)
