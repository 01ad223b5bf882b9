"""What is kept of an error in a user's function: its class and its place, and no data of the task."""

import json
import pickle

import pytest
from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from pydantic import BaseModel

from throughline import PermanentError, TemporaryError
from worker.failure import Failure, log_fields

DATA = {"text": "alice@example.com owes Lohengrin", "price": 1234.5, "names": {"Ortrud": [1, True, None]}, "n": "12"}


class Count(BaseModel):
    number: int


def by_value(data):
    raise ValueError(f"no order for {data['text']!r} at {data['price']:.2f}")


def in_capitals(data):
    raise ValueError(f"no order for {data['text'].upper()}")


def of_a_part(data):
    raise RuntimeError("cannot reach " + data["text"].split()[-1])


def by_key(data):
    return {}[next(iter(data["names"]))]


def by_number(data):
    return int(data["text"])


def by_model(data):
    Count(number=data["text"])


def by_json(data):
    json.loads(data["text"])


def by_cause(data):
    try:
        by_key(data)
    except KeyError as error:
        error.add_note(data["text"])
        raise LookupError("the name is not known") from error


def in_a_group(data):
    raise ExceptionGroup(f"two of {data['text']}", [ValueError(data["text"]), KeyError(next(iter(data["names"])))])


def failure_of(function):
    try:
        function(DATA)
    except Exception as error:
        return Failure.of(error, [(DATA,), {}])
    raise AssertionError("it must fail")


@pytest.mark.parametrize(
    "function",
    [by_value, in_capitals, of_a_part, by_key, by_number, by_model, by_json, by_cause, in_a_group],
)
def test_neither_message_nor_stack_holds_the_data(function):
    failure = failure_of(function)
    for told in (str(failure), failure.stack_trace, *log_fields(failure).values()):
        for word in ("alice", "example.com", "Lohengrin", "LOHENGRIN", "Ortrud", "1234"):
            assert word not in told
    assert f"in {function.__name__}" in failure.stack_trace
    assert "error.message" not in log_fields(failure)


@pytest.mark.parametrize(
    ("function", "kind", "message"),
    [
        (by_value, "ValueError", "no order for '…' at …"),
        (by_key, "KeyError", "'…'"),
        (by_cause, "LookupError", "the name is not known"),
        (by_model, "ValidationError", "number: Input should be a valid integer, unable to parse string as an integer"),
        (by_json, "JSONDecodeError", "Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_the_class_and_the_authors_own_words_are_kept(function, kind, message):
    failure = failure_of(function)
    assert (type(failure).__name__, str(failure)) == (kind, message)


def test_what_it_came_from_is_told_by_its_class_and_line():
    stack = failure_of(by_cause).stack_trace
    assert stack.startswith("LookupError\n")
    assert "because of KeyError" in stack
    assert "in by_key" in stack


@pytest.mark.parametrize(("kind", "again"), [(PermanentError, False), (TemporaryError, True)])
def test_a_typed_error_is_told_as_it_is(kind, again):
    def function(data):
        raise kind("Lohengrin has left")

    failure = failure_of(function)
    assert log_fields(failure) == {"error.type": kind.__name__, "error.message": "Lohengrin has left"}
    assert failure.is_temporary is again


def test_it_survives_the_way_to_the_main_process():
    failure = failure_of(by_value)
    again = pickle.loads(pickle.dumps(failure))
    assert (type(again).__name__, str(again), again.stack_trace) == ("ValueError", str(failure), failure.stack_trace)


def test_a_message_without_end_is_cut():
    def function(data):
        raise ValueError("long " * 10_000)

    assert len(str(failure_of(function))) == 2_000


class Speechless(LookupError):
    def __str__(self):
        raise RuntimeError(self.args[0])


def test_an_error_that_cannot_say_what_it_is_keeps_its_class():
    def speechless(data):
        raise Speechless(data["text"])

    failure = failure_of(speechless)
    assert (type(failure).__name__, str(failure)) == ("Speechless", "")


def test_the_log_says_in_words_at_which_time_limit_a_task_ended():
    message = "It ran past its time limit of 1.5 s, at which its process was killed."
    assert log_fields(TimeLimitExceeded(1.5))["error.message"] == message


def test_an_error_at_the_soft_time_limit_says_which_limit_and_of_how_many_seconds():
    failure = Failure.of(SoftTimeLimitExceeded(), [{}], 2.5)
    assert type(failure).__name__ == "SoftTimeLimitExceeded"
    assert str(failure) == "It ran past its soft time limit of 2.5 s, at which it was asked to stop."
    assert log_fields(failure)["error.message"] == str(failure)
