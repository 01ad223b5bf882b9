"""From a message's data to what a calculation takes, and from its phases to spans: the same for every task."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from opentelemetry.util.types import AttributeValue
from pydantic import BaseModel, ValidationError

from risk.quant.stopwatch import Stopwatch
from throughline.errors import InvalidTaskData
from throughline.tasks.field_path import client_path
from throughline.telemetry import tracing

Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], data: Any) -> Model:
    """The data as the model; `InvalidTaskData` with the path of the first mistake."""
    with tracing.span("validate"):
        try:
            return model.model_validate(data)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            path = f"data.{client_path(first, data)}".removesuffix(".")
            words = first["msg"].removeprefix("Value error, ")
            raise InvalidTaskData(f"{path}: {words}") from None


def seed_from(data: BaseModel) -> int:
    """The same data gives the same scenarios: a second run of a task ends bit for bit like the first."""
    return int.from_bytes(hashlib.sha256(data.model_dump_json().encode()).digest()[:8]) >> 1


def assumed(data: BaseModel, *names: str, prefix: str = "") -> dict[str, Any]:
    """Those of the fields that the client did not give, with the value that was taken."""
    return {prefix + name: getattr(data, name) for name in names if name not in data.model_fields_set}


@contextmanager
def simulating(attributes: Mapping[str, AttributeValue]) -> Iterator[Stopwatch]:
    """A span `simulate`, with a child for each phase booked on the stopwatch.

    The phases alternate from chunk to chunk; a child shows the sum of its phase's turns, laid end to end.
    """
    watch = Stopwatch()
    with tracing.span("simulate", attributes=attributes):
        at = time.time_ns()
        try:
            yield watch
        finally:
            for phase, seconds in watch.seconds.items():
                child = tracing.tracer().start_span(phase, start_time=at)
                at += int(seconds * 1e9)
                child.end(at)
