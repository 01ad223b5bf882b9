"""Why a request can be refused: one class for each reason, turned into HTTP answers in problems.py."""

from collections.abc import Sequence
from typing import Any

from throughline import lifetime, own_site
from throughline.ledger import data_loss
from throughline.ledger.unwritable import Unwritable


class Refusal(Exception):
    """A request that is not carried out; its message is for the client."""


class TaskNotFound(Refusal):
    """No task with this ID was ever accepted, or its record has expired."""

    def __init__(self, task_id: str, kept_seconds: int, data_lost: float | None = None) -> None:
        lost = f" {data_loss.in_words(data_lost)}." if data_lost else ""
        super().__init__(f"{lifetime.not_there(task_id, kept_seconds)}{lost}")


class TaskFinished(Refusal):
    """The task has ended: there is nothing left to cancel."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"Task {task_id} has finished; it cannot be cancelled any more.")


class NotADeadLetter(Refusal):
    """The task is not among the dead letters: there is nothing to replay."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"Task {task_id[:128]!r} is not a dead letter.")


class Unauthorized(Refusal):
    """An API key is needed, and none or an unknown one was sent."""

    def __init__(self, *, given: bool) -> None:
        what = "This API key is not known." if given else "An API key is needed."
        super().__init__(f"{what} Send yours as `Authorization: Bearer KEY` or `X-API-Key: KEY`.")


class Forbidden(Refusal):
    """The caller's API key lacks the scope."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This API key does not have the scope {scope}.")


class CrossSiteRequest(Refusal):
    """A browser sends it for a page of another site: whoever opened that page did not mean it."""

    def __init__(self) -> None:
        super().__init__(own_site.OTHER_SITE_DETAIL)


class HostNotServed(Refusal):
    """It is for a host that this machine's loopback device does not answer for."""

    def __init__(self) -> None:
        super().__init__(own_site.NOT_HERE_DETAIL)


class UnsupportedMediaType(Refusal):
    """The body is not declared to be JSON."""

    def __init__(self, content_type: str) -> None:
        super().__init__(f"Content-Type must be application/json, not {content_type[:128] or 'absent'}.")


class MalformedJson(Refusal):
    """The body is empty, or no JSON: cut off, or with a NaN, an infinity or half a character as JavaScript has them."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The request body is not JSON: {why}.")


class IdempotencyKeyInvalid(Refusal):
    """The Idempotency-Key is empty, too long or not printable."""

    def __init__(self) -> None:
        super().__init__("Idempotency-Key must be 1 to 255 printable ASCII characters, bare or in double quotes.")


class IdempotencyKeyReused(Refusal):
    """The Idempotency-Key came before, with another payload."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another payload. Send a new key with a new task.")


class CircuitOpen(Refusal):
    """Too many tasks wait; none is taken until `retry_after` seconds have passed."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many tasks are waiting. Please retry later, in {retry_after} s.")
        self.retry_after = retry_after


class MemoryFull(Refusal):
    """Redis uses so much of its memory that no task is taken until `retry_after` seconds have passed."""

    def __init__(self, retry_after: int = 30) -> None:
        super().__init__(
            "The task queue's memory is full; what was accepted before is finished first. "
            f"Please retry later, in {retry_after} s."
        )
        self.retry_after = retry_after


class BrokerUnavailable(Refusal):
    """Redis did not answer in time, or takes no write for a reason that it gave."""

    def __init__(self, reason: Unwritable | None = None) -> None:
        if reason is None:
            said = "The task queue does not answer at the moment. Nothing is known to be accepted; please retry."
        else:
            said = f"The task queue takes no changes at the moment: {reason.words}. Nothing was changed; please retry."
        super().__init__(said)
        self.reason = reason


class DataNoLongerFit(Refusal):
    """What a task was once submitted with does not fit the model that its type has today."""

    def __init__(self, document: dict[str, Any], found: Sequence[Any]) -> None:
        super().__init__("The task's data do not fit the model that its type has today.")
        self.document = document
        self.found = found  # pydantic's errors


class HistoryUnavailable(Refusal):
    """The history of ended tasks did not answer in time, and Redis does not have what was asked for."""

    def __init__(self) -> None:
        super().__init__(
            "The history, where ended tasks are kept, does not answer at the moment, and Redis does not have what was "
            "asked for. Tasks are accepted and run on; please retry."
        )


class MessageNotKept(Refusal):
    """What a task was submitted with is not there (any more): it can be neither told nor run again."""

    def __init__(self, task_id: str, why: str = "") -> None:
        reason = why or "as for a task that was not submitted through this API"
        super().__init__(f"The data of task {task_id[:128]!r} are not kept (any more), {reason}.")
