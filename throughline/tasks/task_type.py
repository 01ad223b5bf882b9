"""A task type: a name, the model of its data, the function that runs it, and how workers are to treat it."""

import inspect
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import import_module
from typing import Any, Final, cast

from pydantic import BaseModel, ValidationError

from throughline.errors import InvalidTaskData, WrongTask
from throughline.ledger.message import Queue
from throughline.tasks import charts
from throughline.tasks.charts import Chart
from throughline.tasks.field_path import client_path

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", re.ASCII)
_RESERVED: Final = re.compile(r"celery\b.*|unknown")  # Celery's own tasks; a message of no known task
_FUNCTION_NAME: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True)
class Place:
    """Where a task is declared."""

    module: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.module} ({self.file}, line {self.line})"


@dataclass(frozen=True, eq=False)
class TaskType:
    """A declared task. What is not given (None) is what the worker's settings say."""

    name: str
    model: type[BaseModel]
    run: Callable[[Any, Any], Any] | str  # the function, or its name, which a worker looks up when it starts
    place: Place
    summary: str = ""
    example: Any = None
    queue: Queue | None = None  # where it waits when a submission names neither a queue nor a priority
    max_retries: int | None = None
    retry_seconds: float | None = None
    soft_time_limit: float | None = None
    time_limit: float | None = None
    charts: Sequence[Chart] = ()  # what the page draws of its result

    def validated(self, data: Any) -> BaseModel:
        """The data as the model; `InvalidTaskData` with the path of the first mistake."""
        try:
            return self.model.model_validate(data)
        except ValidationError as error:
            raise InvalidTaskData(self._first_mistake(error, data)) from None

    def function(self) -> Callable[[Any, Any], Any]:
        """The function that runs the task, imported if need be; `WrongTask` when it cannot be had."""
        function: Any = self.run
        if isinstance(function, str):
            module, _, name = function.partition(":")
            try:
                function = import_module(module)
                for part in name.split("."):
                    function = getattr(function, part)
            except Exception as error:
                raise self.wrong(f"run={self.run!r} is not found: {_in_one_line(error)}") from error
        if not callable(function):
            raise self.wrong(f"run={self.run!r} is no function")
        self._check_function(function)
        return cast("Callable[[Any, Any], Any]", function)

    @cached_property
    def data_schema(self) -> dict[str, Any]:
        """The JSON schema of its data."""
        return self.model.model_json_schema()

    @cached_property
    def discriminators(self) -> frozenset[str]:
        """The fields of its data whose value says which model the rest of their object fits."""
        return frozenset(_discriminators(self.data_schema))

    def check_declaration(self) -> None:
        """Raises `WrongTask` for what can be seen where the task is declared."""
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise self.wrong("its name must begin with a letter and hold up to 64 letters, digits, _ . and -")
        if _RESERVED.fullmatch(self.name):
            raise self.wrong("this name is reserved")
        if not (isinstance(self.model, type) and issubclass(self.model, BaseModel)) or self.model is BaseModel:
            raise self.wrong(f"its model must be a subclass of pydantic.BaseModel, not {_shown(self.model)}")
        if not isinstance(self.summary, str):
            raise self.wrong("its summary must be a text")
        self._check_options()
        if found := charts.mistake(self.charts):
            raise self.wrong(found)
        if isinstance(self.run, str):
            if not _FUNCTION_NAME.fullmatch(self.run):
                raise self.wrong(f"run must be like 'package.module:function', not {self.run!r}")
        else:
            self._check_function(self.run)

    def check_model(self) -> None:
        """Raises `WrongTask` for a model that has no JSON schema, or refuses the task's own example."""
        try:
            self.model.model_rebuild()
            schema = self.data_schema
        except Exception as error:
            raise self.wrong(f"its model {self.model.__name__} is not usable: {_in_one_line(error)}") from error
        if not isinstance(schema, dict):
            raise self.wrong(f"its model {self.model.__name__} has no JSON schema")
        if self.example is None:
            return
        try:
            json.dumps(self.example, allow_nan=False)
        except (TypeError, ValueError):
            raise self.wrong("its example is not JSON: lists, dicts, texts, numbers, true, false and null") from None
        try:
            self.model.model_validate(self.example)
        except ValidationError as error:
            mistake = self._first_mistake(error, self.example)
            raise self.wrong(f"its model {self.model.__name__} refuses its example: {mistake}") from None
        except Exception as error:  # of a validator of its own
            what = _in_one_line(error)
            raise self.wrong(f"its model {self.model.__name__} breaks on its example: {what}") from error

    def _check_options(self) -> None:
        if self.queue is not None and not isinstance(self.queue, Queue):
            raise self.wrong(f"its queue must be high, medium or low, not {self.queue!r}")
        if self.max_retries is not None and (not _is_number(self.max_retries, int) or not 0 <= self.max_retries <= 100):
            raise self.wrong(f"its max_retries must be a whole number from 0 to 100, not {self.max_retries!r}")
        for name in ("retry_seconds", "soft_time_limit", "time_limit"):
            seconds = getattr(self, name)
            if seconds is not None and (not _is_number(seconds, int, float) or not 0 < seconds <= 86_400):
                raise self.wrong(f"its {name} must be above 0 and at most 86400 seconds, not {seconds!r}")
        if self.soft_time_limit and self.time_limit and self.soft_time_limit >= self.time_limit:
            raise self.wrong(
                f"its soft_time_limit ({self.soft_time_limit:g}) must be below its time_limit ({self.time_limit:g})"
            )

    def _check_function(self, function: Callable[..., Any]) -> None:
        if not callable(function):
            raise self.wrong("it decorates no function")
        code = _written(function)
        if inspect.iscoroutinefunction(code) or inspect.isasyncgenfunction(code):
            raise self.wrong("its function is async; a worker runs plain functions")
        if inspect.isgeneratorfunction(code):
            raise self.wrong("its function yields; a worker runs functions that return their result")
        try:
            inspect.signature(function).bind(None, None)
        except TypeError:
            raise self.wrong("its function must take two arguments, the data and the run") from None
        except ValueError:
            pass  # a function of C that tells nothing of its arguments

    def _first_mistake(self, error: ValidationError, data: Any) -> str:
        first = error.errors(include_url=False)[0]
        path = f"data.{client_path(first, data, discriminators=self.discriminators)}".removesuffix(".")
        return f"{path.replace('.[', '[')}: {first['msg'].removeprefix('Value error, ')}"

    def wrong(self, what: str) -> WrongTask:
        """What to raise for a mistake in the declaration."""
        return WrongTask(f"Wrong task: {self.name!r} in {self.place}: {what}")


def _written(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function that is called: of an object with `__call__`, that."""
    while isinstance(function, partial):
        function = function.func
    return function if inspect.isroutine(function) else type(function).__call__


def _discriminators(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        found = schema.get("discriminator")
        if isinstance(found, dict) and isinstance(found.get("propertyName"), str):
            yield found["propertyName"]
        for part in schema.values():
            yield from _discriminators(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _discriminators(part)


def _is_number(value: object, *kinds: type) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


def _shown(model: object) -> str:
    return getattr(model, "__qualname__", None) or type(model).__name__


def _in_one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
