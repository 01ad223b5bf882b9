"""A task's result is JSON, whatever reads it; anything else is an error that says where it is."""

from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import pytest
from pydantic import BaseModel, Field

from throughline.errors import InvalidResult
from throughline.tasks.result import as_json


class Point(BaseModel):
    x: float
    when: datetime | None = Field(default=None, serialization_alias="at")


class Bytes(BaseModel):
    content: bytes


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
        ({"years": {2026: (1.5, 2), None: True}}, {"years": {"2026": [1.5, 2], "null": True}}),
        (MappingProxyType({"a": MappingProxyType({})}), {"a": {}}),
        ([10**30, nested(199)], [10**30, nested(199)]),
    ],
)
def test_json_and_models_are_results(result, stored):
    assert as_json(result) == stored


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"a": [1.0, {"b": float("nan")}]}, "result.a[1].b is NaN: JSON has no such number"),
        ({"a": {"b c": np.float64("nan")}}, "result.a['b c'] is NaN"),
        (float("-inf"), "result is infinite: JSON has no such number"),
        (Point(x=float("inf")), "result.x is infinite"),
        ([Point(x=float("nan"))], "result[0].x is NaN"),
        ({"a": datetime(2026, 1, 1)}, "result.a is a datetime.datetime"),
        (
            {"a": Bytes(content=b"\xff")},
            "Bytes with a field that pydantic does not write",
        ),
        ([{1}], "result[0] is a set"),
        (b"x", "result is a bytes"),
        ({("a", "b"): 1}, "a key of result is a tuple"),
        ({"a": {np.int64(1): 1}}, "a key of result.a is a numpy.int64"),
        ({float("nan"): 1}, "a key of result is NaN"),
        ({"half \ud800": 1}, "result has the key 'half \\ud800', which is no valid text"),
        ({1: "a", "1": "b"}, "result has two keys that are both written '1'"),
        ({"a": [{"true": 1, True: 2}]}, "result.a[0] has two keys that are both written 'true'"),
        ({"a": np.int64(1)}, "result.a is a numpy.int64: .tolist() makes plain values of it"),
        (np.array([1.0]), "result is a numpy.ndarray: .tolist() makes plain values of it"),
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
