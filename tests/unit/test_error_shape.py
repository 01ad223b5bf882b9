"""Errors that differ only in a number, a name or a place have one shape; others keep their own."""

import time

import pytest

from throughline.error_shape import LONGEST, error_shape


@pytest.mark.parametrize(
    ("messages", "shape"),
    [
        (("position 3 of 7 is wrong", "position 12 of 4000 is wrong"), "position <n> of <n> is wrong"),
        (("no price for 'AAPL'", 'no price for "MSFT"', "no price for `X`"), "no price for <text>"),
        (("task 0d3ab5ba-9c3b-4f2e-8d0e-000000000001 is gone",), "task <id> is gone"),
        (("at 0x7f3a99c01f40", "at 0xFF"), "at <hex>"),
        (("commit 3ba35a3e9148e9d0",), "commit <hex>"),
        (("cannot open /srv/data/a.csv: missing", "cannot open /tmp/b: missing"), "cannot open <path>: missing"),
        (("GET https://example.org/a?b=1 failed", "GET http://other/ failed"), "GET <url> failed"),
        (("took 1.5 s", "took -3e-07 s", "took 1,234.5 s"), "took <n> s"),
        (("a\n  b\tc", "a b c"), "a b c"),
        (("",), ""),
        (("division by zero",), "division by zero"),
        (("it isn't there, and won't be",), "it isn't there, and won't be"),
    ],
)
def test_what_differs_from_task_to_task_becomes_a_placeholder(messages: tuple[str, ...], shape: str):
    assert {error_shape(message) for message in messages} == {shape}


def test_different_errors_keep_different_shapes():
    messages = ["no such file", "no such folder", "time limit exceeded", "out of memory", "covariance is singular"]

    assert len({error_shape(message) for message in messages}) == len(messages)


@pytest.mark.parametrize(
    "odd", ["x" * 10**6, "'" * 10**5, "/" * 10**5, "1," * 10**5, "a" * 10**5, "€\0\ud800" * 1_000, "://" * 10**5]
)
def test_a_long_or_odd_message_has_a_short_shape_at_once(odd: str):
    began = time.perf_counter()

    assert len(error_shape(odd)) <= LONGEST
    assert time.perf_counter() - began < 10  # a shape found in quadratic time takes minutes
