"""`task()`: makes a function known as a task; the function itself stays what it was."""

import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Final, TypeVar, overload

from pydantic import BaseModel

from throughline.errors import WrongTask
from throughline.ledger.message import Queue
from throughline.tasks.charts import Chart
from throughline.tasks.task_type import Place, TaskType

Function = TypeVar("Function", bound=Callable[[Any, Any], Any])

declared: Final[dict[str, TaskType]] = {}  # by name: every task of every module that was imported so far
_undecorated: Final[dict[Place, str]] = {}  # calls of task() that wait for their function


@overload
def task(
    name: str,
    *,
    model: type[BaseModel],
    summary: str = "",
    example: Any = None,
    queue: str | None = None,
    max_retries: int | None = None,
    retry_seconds: float | None = None,
    soft_time_limit: float | None = None,
    time_limit: float | None = None,
    charts: Sequence[Chart] = (),
) -> Callable[[Function], Function]: ...


@overload
def task(
    name: str,
    *,
    model: type[BaseModel],
    run: str,
    summary: str = "",
    example: Any = None,
    queue: str | None = None,
    max_retries: int | None = None,
    retry_seconds: float | None = None,
    soft_time_limit: float | None = None,
    time_limit: float | None = None,
    charts: Sequence[Chart] = (),
) -> TaskType: ...


def task(
    name: str, *, model: type[BaseModel], run: str | None = None, queue: str | None = None, **options: Any
) -> Callable[[Function], Function] | TaskType:
    """Declares a task.

        @task("word_count", model=Text, summary="Counts words.", example={"text": "to be"}, queue="low")
        def word_count(data: Text, run: Run) -> dict: ...

    With `run="package.module:function"` it decorates nothing, and only workers import that module.

    queue: high, medium (default) or low, for submissions that name neither a queue nor a priority.
    max_retries, retry_seconds: after a temporary error; soft_time_limit, time_limit: in seconds. Default: the settings.
    charts: what the page draws of its result, as `Histogram`, `Curves` or `Bars` of fields of the result.
    """
    place = _caller(sys._getframe(1))

    def declare(function: Callable[[Any, Any], Any] | str) -> TaskType:
        known: Any = Queue(queue) if isinstance(queue, str) and queue in tuple(Queue) else queue
        made = TaskType(name, model, function, place, queue=known, **options)
        made.check_declaration()
        before = declared.get(name)
        if before is not None and (before.place.file, before.place.line) != (place.file, place.line):
            raise WrongTask(f"Wrong task: two tasks are named {name!r}: in {before.place} and in {place}")
        declared[name] = made
        return made

    if run is not None:
        return declare(run)
    _undecorated[place] = name

    def decorate(function: Function) -> Function:
        _undecorated.pop(place, None)
        declare(function)
        return function

    return decorate


def check_all_decorated() -> None:
    """Raises `WrongTask` for a call of `task()` that neither decorates a function nor names one."""
    for place, name in _undecorated.items():
        raise WrongTask(f"Wrong task: {name!r} in {place}: it decorates no function and has no run=")


def _caller(frame: FrameType) -> Place:
    return Place(frame.f_globals.get("__name__", "?"), frame.f_code.co_filename, frame.f_lineno)
