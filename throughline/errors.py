"""How a task can go wrong: the class decides, in one place, whether it is run again."""

from typing import Final

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError


class TaskError(Exception):
    """A task that did not give a result; its message is for the client and holds none of the task's data."""


class PermanentTaskError(TaskError):
    """Running it again would end the same way."""


class TemporaryTaskError(TaskError):
    """Running it again, a little later, may well succeed."""


class InvalidTaskData(PermanentTaskError):
    """The data does not fit the task type's model (a task sent past the API)."""


class NotCalculable(PermanentTaskError):
    """The data fits the model, but no result is defined for it."""


class TaskCancelled(PermanentTaskError):
    """Its cancellation was requested while it ran; it stopped between two chunks."""


class TooManyDeliveries(PermanentTaskError):
    """Each process that ran it was lost; it is not given another."""


# What a neighbour's trouble looks like from here. MemoryError: another moment, or another worker, may have the room.
_TEMPORARY: Final = (
    TemporaryTaskError,
    ConnectionError,
    TimeoutError,
    RedisConnectionError,
    RedisTimeoutError,
    MemoryError,
)


def is_temporary(error: BaseException) -> bool:
    """Whether the task is run again after this error; whatever is not known to pass is permanent."""
    return isinstance(error, _TEMPORARY)
