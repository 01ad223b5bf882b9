"""The parts of a client that neither send nor wait: what it checks, builds, reads and decides."""

import json
import pickle
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from throughline.client import calls, errors, requests
from throughline.client.address import authorization, checked_seconds, checked_url, is_this_machine
from throughline.client.answers import error_of, retry_after
from throughline.client.events import BrokenStream, EventLines
from throughline.client.exchange import Answer, Call, Lost, Pause, Request
from throughline.client.json_data import encoded
from throughline.client.patience import Patience
from throughline.telemetry import correlation

ENVELOPE: dict[str, Any] = {"priority": None, "queue": None, "idempotency_key": None, "correlation_id": None}


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def tries_of(call: Call[Any], clock: Clock, meets: Lost) -> tuple[list[Request], Exception]:
    """What a call sends when it always meets this, and the error it ends with; time passes in its pauses alone."""
    sent: list[Request] = []
    outcome: Lost | None = None
    try:
        while True:
            match call.send(outcome):
                case Request() as request:
                    sent.append(request)
                    outcome = meets
                case Pause(seconds):
                    clock.now += seconds
                    outcome = None
    except errors.ThroughlineError as error:
        return sent, error


@pytest.mark.parametrize("url", ["http://localhost:8080", "https://queue.example/base", "http://[::1]:80", "http://a/"])
def test_a_base_url_is_taken_without_its_last_slash(url: str):
    assert checked_url(url) == url.removesuffix("/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8080",
        "ftp://localhost",
        "http://",
        "http://localhost:eight",
        "http://localhost:99999",
        "http://localhost:0",
        "http://local host",
        "http://localhost\n",
        "http://[::1",
        "http://localhost/?a=b",
        "http://localhost/#a",
        "http://me:secret@localhost",
        "http://münchen.example",
        None,
    ],
)
def test_a_base_url_that_is_none_is_refused_without_showing_a_password(url: Any):
    with pytest.raises(errors.InvalidRequest, match="base_url") as raised:
        checked_url(url)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("key", ["", "secret\n", "sec ret", "sécret", "secret\x00", 5, b"secret"])
def test_an_api_key_that_cannot_be_a_header_is_refused_and_not_shown(key: Any):
    with pytest.raises(errors.InvalidRequest, match="api_key") as raised:
        authorization(key)
    assert "cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:1", True),
        ("http://127.0.0.9", True),
        ("http://[::1]:1", True),
        ("http://10.0.0.1", False),
        ("http://localhost.example", False),
    ],
)
def test_no_proxy_is_asked_for_an_address_of_this_machine(url: str, here: bool):
    assert is_this_machine(url) is here


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "5", None, True])
def test_seconds_that_are_none_are_refused(seconds: Any):
    with pytest.raises(errors.InvalidRequest, match="timeout must be a number of seconds"):
        checked_seconds("timeout", seconds)


def test_a_deadline_past_the_life_of_an_idempotency_key_is_refused():
    assert calls.limits(1, 300).deadline == 300
    with pytest.raises(errors.InvalidRequest, match=r"deadline must be .* at most 300"):
        calls.limits(1, 301)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"a": [{"b": float("nan")}]}, r"data.a\[0\].b is NaN: JSON has no such number"),
        ({"a": (1, float("-inf"))}, r"data.a\[1\] is infinite"),
        ({"a": {1, 2}}, "data.a is a set"),
        ({"a": object}, "data.a is a type"),
        ({"a": b"x"}, "data.a is a bytes"),
        ({"a": {5: "b"}}, "data.a has the key 5, which is not text"),
        ({"a": "\ud800"}, "data.a is no valid text: it holds half of a surrogate pair"),
        ({"\udfff": 1}, "data has the key"),
    ],
)
def test_what_json_cannot_say_is_refused_with_its_path(data: dict[str, Any], says: str):
    with pytest.raises(errors.InvalidRequest, match=says):
        requests.submission("word_count", data, **ENVELOPE)


def test_data_that_contains_itself_is_refused():
    data: dict[str, Any] = {}
    data["a"] = [data]
    with pytest.raises(errors.InvalidRequest, match="nested too deeply, or holds itself"):
        encoded(data)


def test_any_mapping_and_any_text_can_be_sent():
    data = MappingProxyType({"a": MappingProxyType({"b": ("ü\u2028", None, True, 2**70, 0.1)})})
    assert json.loads(encoded(data)) == {"a": {"b": ["ü\u2028", None, True, 2**70, 0.1]}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"idempotency_key": ""},
        {"idempotency_key": 'a"b'},
        {"idempotency_key": "a\nb"},
        {"idempotency_key": "x" * 256},
        {"correlation_id": ""},
        {"correlation_id": "a b"},
        {"correlation_id": "x" * 129},
    ],
)
def test_an_id_or_a_key_that_is_none_is_refused_by_its_name(wrong: dict[str, str]):
    with pytest.raises(errors.InvalidRequest, match=next(iter(wrong))):
        requests.submission("word_count", {}, **ENVELOPE | wrong)


@pytest.mark.parametrize("task_type", ["", None])
def test_a_submission_needs_a_type(task_type: Any):
    with pytest.raises(errors.InvalidRequest):
        requests.submission(task_type, {}, **ENVELOPE)


@pytest.mark.parametrize("data", [[1, 2.5], "text", 5, False, None])
def test_data_need_be_no_object_since_a_tasks_model_may_be_a_root_model(data: Any):
    assert json.loads(requests.submission("word_count", data, **ENVELOPE).content)["data"] == data


class Text(BaseModel):
    text: str
    language: str = "en"


def test_data_may_be_the_tasks_own_model_and_only_what_was_said_is_sent():
    assert json.loads(requests.submission("word_count", Text(text="a"), **ENVELOPE).content)["data"] == {"text": "a"}


@pytest.mark.parametrize("task_id", ["", ".", "..", "a\nb", None])
def test_a_task_id_that_would_lead_elsewhere_is_refused(task_id: Any):
    with pytest.raises(errors.InvalidRequest, match="task_id"):
        requests.checked_task_id(task_id)


def test_the_correlation_id_is_the_given_one_else_that_of_the_work_else_a_new_one():
    def sent(given: str | None) -> str:
        return requests.submission("word_count", {}, **ENVELOPE | {"correlation_id": given}).headers["X-Request-ID"]

    with correlation.bound("OF-THE-WORK"):
        assert sent("GIVEN") == "GIVEN"
        assert sent(None) == "OF-THE-WORK"
    assert correlation.is_valid(sent(None))
    assert sent(None) != sent(None)


def test_each_submission_has_a_key_of_its_own_unless_one_is_given():
    def sent(given: str | None) -> str:
        request = requests.submission("word_count", {}, **ENVELOPE | {"idempotency_key": given})
        return request.headers["Idempotency-Key"]

    assert len({sent(None) for _ in range(100)}) == 100
    assert sent("order 7") == '"order 7"'


NOW = "Wed, 25 Nov 2026 13:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 0 "}, 0),
        ({"retry-after": "Wed, 25 Nov 2026 13:00:09 GMT", "date": NOW}, 9),
        ({"retry-after": "Wed, 25 Nov 2026 12:00:00 GMT", "date": NOW}, 0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "Wed, 99 Nov 2026"}, None),
        ({"retry-after": "soon"}, None),
    ],
)
def test_retry_after_is_a_number_or_a_date_by_the_servers_clock(headers: dict[str, str], seconds: float | None):
    assert retry_after(headers) == seconds


def test_a_date_of_a_server_that_tells_no_time_is_compared_with_ours():
    assert retry_after({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, now=50) == 10


@pytest.mark.parametrize(("code", "kind"), errors.OF_CODE.items())
def test_each_code_of_a_problem_has_its_error(code: str, kind: type[errors.ApiError]):
    body = {"code": code, "detail": "why", "correlation_id": "ABC"}
    error = error_of(Answer(400, {}, json.dumps(body).encode()))
    assert type(error) is kind
    assert (error.code, error.detail, error.correlation_id) == (code, "why", "ABC")


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (503, b"", errors.Unavailable, "HTTP_503"),
        (502, b"<html>", errors.ReplicasUnavailable, "REPLICAS_UNAVAILABLE"),
        (503, b'{"code": "NEW_ONE"}', errors.Unavailable, "NEW_ONE"),
        (409, b'{"code": "NEW_ONE"}', errors.ApiError, "NEW_ONE"),
        (401, b"[]", errors.Unauthorized, "UNAUTHORIZED"),
        (500, b'{"code": 5, "errors": "many"}', errors.ApiError, "HTTP_500"),
        (599, b"[" * 100_000, errors.ApiError, "HTTP_599"),
    ],
)
def test_an_answer_without_a_known_code_is_an_error_by_its_status(
    status: int, body: bytes, kind: type[errors.ApiError], code: str
):
    error = error_of(Answer(status, {"x-request-id": "ABC"}, body))
    assert (type(error), error.code, error.status, error.correlation_id) == (kind, code, status, "ABC")


@pytest.mark.parametrize(
    "error",
    [
        errors.CircuitOpen(503, "CIRCUIT_OPEN", "later", correlation_id="ABC", retry_after=5),
        errors.NoAnswer("nothing", correlation_id="ABC", idempotency_key="key"),
        errors.TaskFailed("task-1", "ValueError", "bad", "ABC"),
        errors.TaskRevoked("task-1", "ABC"),
        errors.ResultTimeout("task-1", "STARTED", 5),
    ],
)
def test_errors_pass_from_process_to_process(error: errors.ThroughlineError):
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_pauses_grow_differ_by_chance_and_end_with_the_deadline():
    clock = Clock()
    patience = Patience(60, clock)
    pauses = []
    while (pause := patience.pause()) is not None:
        pauses.append(pause)
        clock.now += pause
    assert 0.05 <= pauses[0] <= 0.1
    assert all(2.5 <= pause <= 5 for pause in pauses[7:])
    assert 50 < sum(pauses) < 60
    assert len(set(pauses[7:])) == len(pauses[7:])


def test_a_pause_is_never_shorter_than_retry_after():
    patience = Patience(60, Clock())
    assert all(7 < (patience.pause(7) or 0) < 13 for _ in range(20))
    assert patience.pause(60) is None


def test_every_try_of_a_submission_is_the_same_request_until_the_deadline():
    clock = Clock()
    request = requests.submission("word_count", {}, **ENVELOPE)
    call = calls.submit(request, calls.Limits(timeout=10, deadline=30, clock=clock))

    sent, error = tries_of(call, clock, Lost("it was reset"))

    assert isinstance(error, errors.NoAnswer)
    assert "it was reset" in str(error)
    assert len(sent) > 5
    assert all(replace(each, seconds=0) == replace(request, seconds=0) for each in sent)
    assert sent[0].seconds == 10
    assert sent[-1].seconds < 10, "the last try has no more time than the deadline leaves"
    assert 120 < clock.now < 130


def test_a_certificate_that_is_not_valid_is_not_asked_again():
    call = calls.details("t", calls.limits(10, 30))
    sent, error = tries_of(call, Clock(), Lost("CERTIFICATE_VERIFY_FAILED", final=True))
    assert isinstance(error, errors.NoAnswer)
    assert len(sent) == 1


@given(
    st.lists(st.sampled_from(["data: a", "data:b\u2028c", "event: x", ": note", "id", "", "data"])),
    st.sampled_from(["\n", "\r", "\r\n"]),
    st.data(),
)
def test_events_are_the_same_however_the_stream_is_cut(lines: list[str], end: str, data: st.DataObject):
    text = "".join(line + end for line in lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    pieces = [text[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    whole, cut = EventLines(), EventLines()

    # What a lone \r ends is known only when the next byte comes.
    assert [*whole.take(text), *whole.take(b": end\n")] == [
        *(each for piece in pieces for each in cut.take(piece)),
        *cut.take(b": end\n"),
    ]


def test_the_lines_of_an_event_are_joined_and_other_separators_are_data():
    taken = list(EventLines().take("event: state\ndata: a\ndata:b\u2028c\x0bd\n\n: still here\n\n".encode()))
    assert taken == ["a\nb\u2028c\x0bd".encode()]


def test_an_event_without_an_end_is_no_event():
    lines = EventLines()
    with pytest.raises(BrokenStream):
        for _ in range(100):
            list(lines.take(b"x" * 1_000_000))
