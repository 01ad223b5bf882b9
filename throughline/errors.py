"""How a task can go wrong: the class decides, in one place, whether it is run again."""

from typing import Self


class TaskError(Exception):
    """A task that did not give a result; its message is for the client and holds none of the task's data."""


class PermanentError(TaskError):
    """Running it again would end the same way."""


class TemporaryError(TaskError):
    """Running it again a little later may succeed."""


class QueueFull(TemporaryError):
    """A running task submitted another one, and too many tasks wait, or Redis's memory is full.

    It may try again later, by being retried.
    """


class InvalidTaskData(PermanentError):
    """The data does not fit the task type's model (a task sent past the API)."""


class InvalidResult(PermanentError):
    """What the task's function returned cannot be stored: it is not JSON, or holds a number that is not finite."""


class TaskCancelled(PermanentError):
    """Its cancellation was requested while it ran; it stopped at a checkpoint."""


class TooManyDeliveries(PermanentError):
    """Each process that ran it was lost; it is not given another."""

    @classmethod
    def after(cls, deliveries: int) -> Self:
        return cls(f"Delivered {deliveries} times; each time the process that ran it was lost.")


class WrongTask(Exception):
    """A task or a module of tasks that is declared wrongly; the message names it and its file, in one line."""


def is_temporary(error: BaseException) -> bool:
    """Whether the task is run again after this error; whatever is not known to pass is permanent."""
    # Imported here: whoever declares a task does not load a Redis client.
    from redis.exceptions import ConnectionError as RedisConnectionError  # noqa: PLC0415
    from redis.exceptions import TimeoutError as RedisTimeoutError  # noqa: PLC0415

    # Errors of what a task talks to. MemoryError: later, or on another worker, there may be enough memory.
    neighbours = (ConnectionError, TimeoutError, RedisConnectionError, RedisTimeoutError, MemoryError)
    return isinstance(error, (TemporaryError, *neighbours))
