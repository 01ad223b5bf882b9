"""A task as a client submits it: one model for each task type of the registry, told apart by `task_type`."""

import json
import re
import traceback
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

import orjson
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    RootModel,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    create_model,
)
from pydantic_core import CoreSchema, core_schema

from api.errors import DataNoLongerFit, MalformedJson
from api.json_body import malformed
from throughline.json_value import TOO_DEEP, beyond_64_bits
from throughline.ledger.celery_result import is_too_deep, may_be_too_deep
from throughline.ledger.message import Queue
from throughline.tasks.registry import registry
from throughline.tasks.task_type import TaskType

_MANY_DIGITS: Final = re.compile(rb"(?<![.\d])\d{19}")  # an integer that may have more than 64 bits
LARGE_BYTES: Final = 65_536  # of a body: from here on it is read in threads, beside other requests


class ModelBroken(Exception):
    """A task's own model raised something else than that the data are wrong."""


_Priority = Literal["high", "medium", "low"]


class Envelope(BaseModel):
    """What every submission has beside its type and data."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    task_type: str
    data: Any
    priority: _Priority = "medium"
    queue: _Priority | None = Field(
        default=None, description="Queue to wait in, when it is not the one that the priority names."
    )


def _submission_of(task_type: TaskType) -> type[Envelope]:
    fields: dict[str, Any] = {"task_type": (Literal[task_type.name], ...), "data": (_checked(task_type), ...)}
    if task_type.queue is not None:
        fields["priority"] = (_Priority, task_type.queue.value)
    name = "".join(part.capitalize() for part in task_type.name.replace(".", "_").replace("-", "_").split("_"))
    about = f"A `{task_type.name}` task as a client submits it."
    return create_model(f"{name}Submission", __base__=Envelope, __doc__=about, **fields)


def _checked(task_type: TaskType) -> Any:
    """The task's model. A validator of its author's may break: what it says then is nothing but the client's data."""

    def without_its_words(data: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(data)
        except ValidationError:
            raise
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"({last.filename}, line {last.lineno})"
            raise ModelBroken(f"The model of {task_type.name} broke: {type(error).__name__} {where}") from None

    return Annotated[task_type.model, WrapValidator(without_its_words)]


class _OneOfTheRegistry:
    """The union of all submissions. Written out, since Python's own union of a single type is that type."""

    @staticmethod
    def __get_pydantic_core_schema__(_: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {name: handler.generate_schema(_submission_of(each)) for name, each in registry().items()}
        return core_schema.tagged_union_schema(choices, "task_type")


class TaskSubmission(RootModel[Annotated[Envelope, _OneOfTheRegistry]]):
    """A task of any type as a client submits it; `task_type` says which."""

    @property
    def task_type(self) -> str:
        return self.root.task_type

    @property
    def data(self) -> BaseModel:
        data: BaseModel = self.root.data
        return data

    @classmethod
    def again(cls, task_type: str, data: Any, priority: str, queue: str) -> Self:
        """What was submitted before, validated as if it came today; raises `DataNoLongerFit`."""
        document = {"task_type": task_type, "data": data, "priority": priority}
        if queue != priority:
            document["queue"] = queue
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise DataNoLongerFit(document, error.errors()) from None

    @property
    def priority(self) -> str:
        return self.root.priority

    @property
    def target_queue(self) -> Queue:
        return Queue(self.root.queue or self.root.priority)


class Sent(NamedTuple):
    """A task's data as its client sent them, in JSON's own values.

    The worker validates these again: what a model makes of data need not be what it takes.
    """

    data: Any
    size: int  # of the body, in bytes

    @classmethod
    def of(cls, body: bytes) -> Self:
        """Of a body that was validated; raises `MalformedJson`."""
        try:
            data = orjson.loads(body)["data"]
        except orjson.JSONDecodeError as error:  # Python's own reader takes NaN, and halves of characters
            raise MalformedJson(malformed(body) or str(error)) from None
        if _MANY_DIGITS.search(body) and (wrong := beyond_64_bits(json.loads(body)["data"], "data")):
            raise MalformedJson(wrong)
        if may_be_too_deep(body) and is_too_deep(data):
            raise MalformedJson(f"data is {TOO_DEEP}")
        return cls(data, len(body))

    @classmethod
    def by(cls, task: TaskSubmission) -> Self:
        """Of a task that nobody sent as a body."""
        return cls(task.data.model_dump(mode="json", by_alias=True, exclude_unset=True), 0)


def _example() -> dict[str, Any]:
    """Of the first task type that has one."""
    examples = ({"task_type": each.name, "data": each.example} for each in registry().values() if each.example)
    return next(examples, {}) | {"priority": "high"}


EXAMPLE: Final = _example()
