"""What is stored and logged of an error in a task's function: its class, where it happened, and no data of the task.

The message of a `TaskError` is written for the client. Any other may hold whatever the function worked on (a `KeyError`
is nothing but the key): the task's `error` has it without the task's data, the log has the lines of code instead.
"""

from collections.abc import Iterator
from pathlib import Path
from traceback import StackSummary, walk_tb
from types import TracebackType
from typing import Any, Final

import billiard
import celery
from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded

from throughline.errors import TaskError, is_temporary
from worker.redaction import message_of, without_data

_MOST_CHARACTERS: Final = 2_000
_NOT_THE_TASKS: Final = tuple(f"{Path(str(file)).parent}/" for file in (__file__, celery.__file__, billiard.__file__))


class Failure(Exception):
    """Takes the place of the error, under the name of its class; its only argument is the message that is kept."""

    is_temporary = False
    is_for_the_client = False  # written by the task's author for whoever submitted it
    stack_trace = ""

    @classmethod
    def of(cls, error: BaseException, data: Any, soft_limit: float | None = None) -> "Failure":
        """The error that a task's function raised when it worked on this data, for at most so many seconds."""
        at_limit = isinstance(error, SoftTimeLimitExceeded)
        for_the_client = isinstance(error, TaskError) or at_limit
        message = message_of(error) if isinstance(error, TaskError) else without_data(error, data)
        if at_limit:
            limit = f" of {soft_limit:g} s" if soft_limit else ""
            message = f"It ran past its soft time limit{limit}, at which it was asked to stop."
        failure = _named(type(error).__name__, type(error).__module__, message[:_MOST_CHARACTERS])
        failure.is_temporary = is_temporary(error)
        failure.is_for_the_client = for_the_client
        failure.stack_trace = "\n".join(_told(error))
        return failure

    def __reduce__(self) -> Any:
        # Celery sends it from the process that ran the task to its worker's main process.
        return _named, (type(self).__name__, type(self).__module__, *self.args), self.__dict__


def log_fields(error: BaseException) -> dict[str, str]:
    """The fields of a log line that tells of the error."""
    fields = {"error.type": type(error).__name__}
    if not isinstance(error, Failure):  # of Celery or of ours: a lost process, a time limit
        return fields | {"error.message": _in_words(error)}
    if error.is_for_the_client:
        return fields | {"error.message": str(error)}
    return fields | {"error.stack_trace": error.stack_trace}


def _in_words(error: BaseException) -> str:
    """The message of an error of Celery's: that of the hard time limit is a bare number."""
    if isinstance(error, TimeLimitExceeded) and error.args and isinstance(error.args[0], int | float):
        return f"It ran past its time limit of {error.args[0]:g} s, at which its process was killed."
    return str(error)


def _named(name: str, module: str, message: str) -> Failure:
    failure: Failure = type(name, (Failure,), {"__module__": module})(message)
    return failure


def _told(error: BaseException) -> Iterator[str]:
    """Class and lines of code of the error, and of those that it came from, the latest first."""
    seen: set[int] = set()
    now: BaseException | None = error
    while now is not None and id(now) not in seen:
        seen.add(id(now))
        yield type(now).__name__ if now is error else f"because of {type(now).__name__}"
        yield from _lines(now.__traceback__)
        if isinstance(now, BaseExceptionGroup):
            yield f"  with {', '.join(type(part).__name__ for part in now.exceptions)} in it"
        now = now.__cause__ or (None if now.__suppress_context__ else now.__context__)


def _lines(traceback: TracebackType | None) -> Iterator[str]:
    frames = StackSummary.extract(walk_tb(traceback))
    own = [frame for frame in frames if not frame.filename.startswith(_NOT_THE_TASKS)] or frames
    yield from (line.rstrip("\n") for line in StackSummary.from_list(own).format())
