"""A task's result is JSON, whatever reads it; anything else is an error that says where it is."""

from datetime import datetime
from enum import StrEnum

import numpy as np
import pytest
from pydantic import BaseModel, Field

from throughline.errors import InvalidResult
from throughline.tasks.result import as_json


class Point(BaseModel):
    x: float
    when: datetime | None = Field(default=None, serialization_alias="at")


class Colour(StrEnum):
    RED = "red"


HOLDS_ITSELF: list[object] = []
HOLDS_ITSELF.append(HOLDS_ITSELF)
DEEP: list[object] = []
for _ in range(1_100):
    DEEP = [DEEP]


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("result", "stored"),
    [
        (None, None),
        ({"a": [1, 2.5, "ü", None, True]}, {"a": [1, 2.5, "ü", None, True]}),
        (Point(x=1), {"x": 1.0, "at": None}),
        ({"all": [Point(x=2, when=datetime(2026, 1, 2))]}, {"all": [{"x": 2.0, "at": "2026-01-02T00:00:00"}]}),
        ([np.float64(0.1), Colour.RED], [0.1, "red"]),
        ([10**30, nested(199)], [10**30, nested(199)]),
    ],
)
def test_json_and_models_are_results(result, stored):
    assert as_json(result) == stored


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"a": [1.0, {"b": float("nan")}]}, "result['a'][1]['b'] is NaN"),
        (float("-inf"), "result is infinite"),
        (Point(x=float("inf")), "result['x'] is infinite"),
        ([Point(x=float("nan"))], "result[0]['x'] is NaN"),
        ({"a": datetime(2026, 1, 1)}, "result['a'] is a datetime"),
        ([{1}], "result[0] is a set"),
        (b"x", "result is a bytes"),
        ({("a", "b"): 1}, "a key of result is a tuple"),
        (np.int64(1), "result is a int64"),
        (np.array([1.0]), "result is a ndarray"),
        ("half \ud800", "result is no valid text"),
        ([10**400], "result[0] is too large a number"),
        (HOLDS_ITSELF, "nested too deeply, or holds itself"),
        (DEEP, "nested too deeply, or holds itself"),
        (nested(201), "nested too deeply, or holds itself"),
        ([10**30, nested(200)], "nested too deeply, or holds itself"),
        ((i for i in "ab"), "result is a generator"),
    ],
)
def test_anything_else_is_refused_with_its_place(result, words):
    with pytest.raises(InvalidResult) as raised:
        as_json(result)
    assert words in str(raised.value)
