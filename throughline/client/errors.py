"""What a client raises: one class for each reason that a caller may want to treat differently."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


class ThroughlineError(Exception):
    """All that a client raises of its own accord."""


class InvalidRequest(ThroughlineError, ValueError):
    """An argument cannot be sent: nothing was."""


class NoAnswer(ThroughlineError):
    """No answer came within the deadline: connections were refused or lost, or nothing came in time.

    A submission may have been accepted all the same. Submitting again with this `idempotency_key` tells, and makes no
    second task.
    """

    def __init__(self, message: str, *, correlation_id: str = "", idempotency_key: str = "") -> None:
        super().__init__(message)
        self.correlation_id = correlation_id
        self.idempotency_key = idempotency_key


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with the request's body."""

    field: str
    message: str


class ApiError(ThroughlineError):
    """The API answered with a problem; a code that no class below stands for is raised as this one."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        correlation_id: str = "",
        errors: Sequence[FieldError] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(status, code, detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.correlation_id = correlation_id
        self.errors = tuple(errors)
        self.retry_after = retry_after

    def __str__(self) -> str:
        """One line for each thing that is wrong, and the correlation ID to search for."""
        fields = [f"  {error.field}: {error.message}" for error in self.errors]
        first = f"{self.status} {self.code}" + ("" if fields else f": {self.detail}")
        last = [f"correlation ID: {self.correlation_id}"] if self.correlation_id else []
        return "\n".join([first, *fields, *last])


class ValidationFailed(ApiError):
    """The task type, its data or the envelope are not as they must be; `errors` names the fields."""


class MalformedJson(ApiError):
    """The body is not JSON."""


class PayloadTooLarge(ApiError):
    """The body is larger than the service takes (1 MB)."""


class UnsupportedMediaType(ApiError):
    """The body is not declared to be JSON."""


class Unauthorized(ApiError):
    """An API key is needed, and none or an unknown one was sent."""


class Forbidden(ApiError):
    """The API key lacks the scope, or the address may not ask this."""


class TaskNotFound(ApiError):
    """No task with this ID was accepted from this caller, or its record has expired."""


class TaskFinished(ApiError):
    """The task has ended: there is nothing left to cancel."""


class TaskDataNotKept(ApiError):
    """What the task was submitted with is not kept (any more): it can be neither told nor submitted again."""


class IdempotencyKeyReused(ApiError):
    """The idempotency key was used for another payload."""


class IdempotencyKeyInvalid(ApiError):
    """The idempotency key is none."""


class InternalError(ApiError):
    """Something went wrong inside the service; the correlation ID finds what."""


class Unavailable(ApiError):
    """The service cannot answer now. The client has retried until its deadline; later may go better."""


class RateLimited(Unavailable):
    """Too many requests from this API key or address."""


class CircuitOpen(Unavailable):
    """Too many tasks wait; none is taken until `retry_after` seconds have passed."""


class MemoryFull(Unavailable):
    """Redis has no memory left for new tasks."""


class BrokerUnavailable(Unavailable):
    """Redis does not answer."""


class HistoryUnavailable(Unavailable):
    """The history of ended tasks does not answer, and Redis does not have the task. Other tasks are not concerned."""


class ReplicasUnavailable(Unavailable):
    """NGINX reaches no replica of the API."""


class ReplicaTimeout(Unavailable):
    """The replica that took the request did not answer NGINX in time."""


class TaskFailed(ThroughlineError):
    """The task ended in FAILURE; `type` and `message` are those of the exception that it failed with."""

    def __init__(self, task_id: str, kind: str, message: str, correlation_id: str = "") -> None:
        super().__init__(task_id, kind, message, correlation_id)
        self.task_id = task_id
        self.type = kind
        self.message = message
        self.correlation_id = correlation_id

    def __str__(self) -> str:
        return f"Task {self.task_id} failed: {self.type}: {self.message}".removesuffix(": ")


class UnreadableResult(ThroughlineError):
    """The task ended in SUCCESS, but its result as it is stored is no JSON: another worker than ours wrote it."""

    def __init__(self, task_id: str, message: str, correlation_id: str = "") -> None:
        super().__init__(task_id, message, correlation_id)
        self.task_id = task_id
        self.message = message
        self.correlation_id = correlation_id

    def __str__(self) -> str:
        return f"Task {self.task_id}: {self.message}"


class TaskRevoked(ThroughlineError):
    """The task ended in REVOKED: it was cancelled, or it had expired before it could start."""

    def __init__(self, task_id: str, correlation_id: str = "") -> None:
        super().__init__(task_id, correlation_id)
        self.task_id = task_id
        self.correlation_id = correlation_id

    def __str__(self) -> str:
        return f"Task {self.task_id} was cancelled."


class ResultTimeout(ThroughlineError, TimeoutError):
    """The task had not ended in time; it goes on, and can be waited for again. `status` is its last known state."""

    def __init__(self, task_id: str, status: str, seconds: float, reason: str = "") -> None:
        super().__init__(task_id, status, seconds, reason)
        self.task_id = task_id
        self.status = status
        self.seconds = seconds
        self.reason = reason

    def __str__(self) -> str:
        state = f"is still {self.status}" if self.status else "has told no state"
        return f"After {self.seconds:g} s task {self.task_id} {state}." + (f" {self.reason}" if self.reason else "")


OF_CODE: Final[dict[str, type[ApiError]]] = {
    "VALIDATION_FAILED": ValidationFailed,
    "MALFORMED_JSON": MalformedJson,
    "PAYLOAD_TOO_LARGE": PayloadTooLarge,
    "UNSUPPORTED_MEDIA_TYPE": UnsupportedMediaType,
    "UNAUTHORIZED": Unauthorized,
    "FORBIDDEN": Forbidden,
    "CROSS_SITE_REQUEST": Forbidden,
    "TASK_NOT_FOUND": TaskNotFound,
    "TASK_FINISHED": TaskFinished,
    "IDEMPOTENCY_KEY_REUSED": IdempotencyKeyReused,
    "IDEMPOTENCY_KEY_INVALID": IdempotencyKeyInvalid,
    "RATE_LIMITED": RateLimited,
    "CIRCUIT_OPEN": CircuitOpen,
    "MEMORY_FULL": MemoryFull,
    "BROKER_UNAVAILABLE": BrokerUnavailable,
    "HISTORY_UNAVAILABLE": HistoryUnavailable,
    "TASK_DATA_NOT_KEPT": TaskDataNotKept,
    "REPLICAS_UNAVAILABLE": ReplicasUnavailable,
    "REPLICA_TIMEOUT": ReplicaTimeout,
    "INTERNAL": InternalError,
}
