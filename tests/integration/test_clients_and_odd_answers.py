"""Both clients against a server that refuses, resets, hangs and redirects: one task, or an error that says why."""

import gzip
import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

from tests.both_clients import awaited, blocking
from tests.conftest import free_port
from tests.odd_server import OddServer, close, dripping, half, problem, reply, reset, silent, stream
from throughline.client import Client, errors
from throughline.ledger.states import Status
from throughline.telemetry import correlation

ACCEPTED = reply(201, {"task_id": "task-1", "status": "PENDING"})
DATA = {"text": "to be or not to be"}
HTML = b"<html><h1>502 Bad Gateway</h1></html>"
Open = Callable[..., Any]


@pytest.fixture(params=[blocking, awaited])
def open_client(request: pytest.FixtureRequest) -> Open:
    """`with open_client(url) as client:` is the one client, then the other."""
    return request.param  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "before",
    [
        reset,
        close,
        half,
        reply(502, HTML, Content_Type="text/html"),
        reply(503),
        problem(504, "REPLICA_TIMEOUT"),
        problem(429, "RATE_LIMITED", Retry_After="0"),
        problem(503, "BROKER_UNAVAILABLE", Retry_After="soon"),
    ],
    ids=["reset", "closed", "half an answer", "HTML", "no body", "504", "429", "503 with an odd Retry-After"],
)
def test_a_submission_that_met_trouble_is_sent_again_with_the_same_key(open_client: Open, before: Any):
    with OddServer([before, before, ACCEPTED]) as server, open_client(server.url) as client:
        task = client.submit("word_count", DATA, priority="high")

    assert task.task_id == "task-1"
    assert len(server.asked) == 3
    assert len({asked.headers["idempotency-key"] for asked in server.asked}) == 1
    assert {asked.headers["x-request-id"] for asked in server.asked} == {task.correlation_id}
    assert json.loads(server.asked[-1].body) == {"task_type": "word_count", "data": DATA, "priority": "high"}


def body_of(size: int) -> int:
    """How long a text makes a body of that many bytes."""
    return size - len('{"task_type":"word_count","data":{"text":""}}')


@pytest.mark.parametrize(("size", "encoding"), [(1_048_576, None), (1_048_577, "gzip"), (3_000_000, "gzip")])
def test_what_is_too_large_to_be_sent_plainly_is_sent_as_gzip_with_each_try(
    open_client: Open, size: int, encoding: str | None
):
    text = ("0123456789" * 300_000)[: body_of(size)]
    with OddServer([reset, ACCEPTED]) as server, open_client(server.url) as client:
        client.submit("word_count", {"text": text})

    first, second = server.asked
    assert first.body == second.body
    assert first.headers["content-length"] == str(len(first.body))
    assert first.headers.get("content-encoding") == encoding
    plain = gzip.decompress(first.body) if encoding else first.body
    assert len(plain) == size
    assert json.loads(plain) == {"task_type": "word_count", "data": {"text": text}}


def test_a_slow_answer_is_given_up_and_asked_for_again(open_client: Open):
    with OddServer([silent, dripping, ACCEPTED]) as server, open_client(server.url, timeout=0.3) as client:
        assert client.submit("word_count", DATA).task_id == "task-1"

    assert len({asked.headers["idempotency-key"] for asked in server.asked}) == 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("value", ["1", "Wed, 25 Nov 2026 13:00:01 GMT"])
def test_the_next_try_waits_as_long_as_retry_after_says(open_client: Open, status: int, value: str):
    refusal = problem(status, "RATE_LIMITED", Retry_After=value, Date="Wed, 25 Nov 2026 13:00:00 GMT")
    with OddServer([refusal, ACCEPTED]) as server, open_client(server.url) as client:
        began = time.monotonic()
        client.submit("word_count", DATA)
        took = time.monotonic() - began

    assert 1 <= took < 10


def test_a_pause_past_the_deadline_is_not_begun(open_client: Open):
    refusal = problem(503, "CIRCUIT_OPEN", Retry_After="60")
    with OddServer([refusal]) as server, open_client(server.url, deadline=5) as client:
        began = time.monotonic()
        with pytest.raises(errors.CircuitOpen) as raised:
            client.submit("word_count", DATA)
        took = time.monotonic() - began

    assert took < 4
    assert isinstance(raised.value, errors.Unavailable)
    assert (raised.value.status, raised.value.code, raised.value.retry_after) == (503, "CIRCUIT_OPEN", 60)
    assert raised.value.correlation_id == "of-the-problem"
    assert len(server.asked) == 1


def test_trouble_that_does_not_end_ends_with_the_deadline(open_client: Open):
    with OddServer([reset]) as server, open_client(server.url, deadline=1) as client:
        began = time.monotonic()
        with pytest.raises(errors.NoAnswer) as raised:
            client.submit("word_count", DATA, idempotency_key="mine", correlation_id="ABC-123")
        took = time.monotonic() - began

    assert took < 5
    assert len(server.asked) > 2
    assert (raised.value.correlation_id, raised.value.idempotency_key) == ("ABC-123", "mine")
    assert "ABC-123" in str(raised.value)


def test_nobody_listening_is_no_answer(open_client: Open):
    with open_client(f"http://127.0.0.1:{free_port()}", deadline=0.5) as client, pytest.raises(errors.NoAnswer):
        client.submit("word_count", DATA)


def test_a_refusal_for_good_is_raised_at_once_with_its_fields(open_client: Open):
    body = {
        "status": 422,
        "code": "VALIDATION_FAILED",
        "detail": "data.text: Field required",
        "correlation_id": "ABC-123",
        "errors": [{"field": "data.text", "message": "Field required"}],
    }
    with (
        OddServer([reply(422, body)]) as server,
        open_client(server.url) as client,
        pytest.raises(errors.ValidationFailed) as raised,
    ):
        client.submit("word_count", {})

    assert len(server.asked) == 1
    assert raised.value.errors == (errors.FieldError("data.text", "Field required"),)
    assert str(raised.value).splitlines() == [
        "422 VALIDATION_FAILED",
        "  data.text: Field required",
        "correlation ID: ABC-123",
    ]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply(307, Location="https://elsewhere.example/api"), "REDIRECTED"),
        (reply(200, b"<html>Welcome</html>", Content_Type="text/html"), "UNEXPECTED_ANSWER"),
        (reply(201, {"id": 5}), "UNEXPECTED_ANSWER"),
        (reply(404, b"nothing here"), "HTTP_404"),
        (reply(418, {"code": "OF_ANOTHER_VERSION", "detail": "?"}), "OF_ANOTHER_VERSION"),
        (reply(400, b"\xff\xfe"), "HTTP_400"),
    ],
)
def test_an_answer_that_is_not_throughlines_says_what_it_was(open_client: Open, answer: Any, code: str):
    with OddServer([answer]) as server, open_client(server.url) as client, pytest.raises(errors.ApiError) as raised:
        client.submit("word_count", DATA)

    assert raised.value.code == code
    assert len(server.asked) == 1, "neither sent again nor followed"


def test_the_task_continues_the_callers_span_and_correlation_id_but_a_look_at_it_does_not(open_client: Open):
    state = TraceState([("vendor", "opaque")])
    span = NonRecordingSpan(SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(1), trace_state=state))
    seen = reply(200, {"task_id": "task-1", "status": "PENDING"})
    with (
        OddServer([ACCEPTED, seen, seen]) as server,
        open_client(server.url, api_key="secret") as client,
        trace.use_span(span),
        correlation.bound("OF-THE-CALLER"),
    ):
        task = client.submit("word_count", DATA)
        task.status()
        task.cancel()

    submitted, looked, cancelled = (asked.headers for asked in server.asked)
    assert task.correlation_id == "OF-THE-CALLER"
    for headers in (submitted, cancelled):
        assert headers["x-request-id"] == "OF-THE-CALLER"
        assert headers["traceparent"] == f"00-{0xABC:032x}-{0xDEF:016x}-01"
        assert headers["tracestate"] == "vendor=opaque"
    assert not {"x-request-id", "traceparent"} & looked.keys()
    assert {headers["authorization"] for headers in (submitted, looked, cancelled)} == {"Bearer secret"}


def test_a_result_is_waited_for_through_outages(open_client: Open):
    started = reply(200, {"task_id": "task-1", "status": "STARTED"})
    ended = reply(200, {"task_id": "task-1", "status": "SUCCESS", "result": {"words": 6}})
    trouble = [reset, problem(503, "BROKER_UNAVAILABLE", Retry_After="0"), reply(502, HTML)]
    with OddServer([*trouble, started, *trouble, ended]) as server, open_client(server.url, deadline=0.1) as client:
        assert client.handle("task-1").result(30) == {"words": 6}

    assert all(asked.line.startswith("GET /api/v1/tasks/task-1?wait=") for asked in server.asked)


def test_a_result_that_does_not_come_in_time_says_the_state(open_client: Open):
    started = reply(200, {"task_id": "task-1", "status": "STARTED"})
    with OddServer([started, reset]) as server, open_client(server.url) as client:
        began = time.monotonic()
        with pytest.raises(TimeoutError, match="task-1 is still STARTED") as raised:
            client.handle("task-1").result(timeout=1)
        took = time.monotonic() - began

    assert took < 5
    assert isinstance(raised.value, errors.ResultTimeout)
    assert raised.value.status == Status.STARTED


def test_a_server_that_hangs_does_not_hold_a_result_for_longer_than_its_timeout(open_client: Open):
    with OddServer([silent]) as server, open_client(server.url) as client:
        began = time.monotonic()
        with pytest.raises(errors.ResultTimeout):
            client.handle("task-1").result(timeout=0.5)
        assert time.monotonic() - began < 5


def test_a_task_that_failed_or_was_cancelled_raises_what_it_ended_with(open_client: Open):
    end = {"task_id": "task-1", "correlation_id": "ABC-123"}
    failed = reply(200, end | {"status": "FAILURE", "error": {"type": "NotCalculable", "message": "no price"}})
    revoked = reply(200, end | {"status": "REVOKED"})
    with (
        OddServer([failed, revoked]) as server,
        open_client(server.url) as client,
        pytest.raises(errors.TaskFailed, match="NotCalculable: no price") as failure,
    ):
        client.handle("task-1").result()
        with pytest.raises(errors.TaskRevoked):
            client.handle("task-1").result()

    assert (failure.value.type, failure.value.message) == ("NotCalculable", "no price")
    assert failure.value.correlation_id == "ABC-123"


def test_an_unknown_task_is_not_waited_for(open_client: Open):
    with (
        OddServer([problem(404, "TASK_NOT_FOUND")]) as server,
        open_client(server.url) as client,
        pytest.raises(errors.TaskNotFound),
    ):
        client.handle("../../health").result()

    assert server.asked[0].line.startswith("GET /api/v1/tasks/..%2F..%2Fhealth?")


def test_a_cancellation_whose_answer_was_lost_is_a_cancellation(open_client: Open):
    finished = problem(409, "TASK_FINISHED")
    with (
        OddServer([reset, finished, reply(200, {"task_id": "t", "status": "REVOKED"})]) as server,
        open_client(server.url) as client,
    ):
        assert client.handle("t").cancel() is Status.REVOKED
    with (
        OddServer([finished, reply(200, {"task_id": "t", "status": "SUCCESS"})]) as server,
        open_client(server.url) as client,
        pytest.raises(errors.TaskFinished),
    ):
        client.handle("t").cancel()


def event(status: str, **fields: Any) -> bytes:
    return b"event: state\ndata: " + json.dumps({"task_id": "t", "status": status} | fields).encode() + b"\n\n"


def test_events_go_on_after_a_broken_connection_and_repeat_nothing(open_client: Open):
    half_done = {"fraction": 0.5}
    behaviours = [
        stream(b"\xef\xbb\xbf: hello\r\n\r\n", event("PENDING"), event("STARTED")[:-9]),
        reset,
        problem(503, "BROKER_UNAVAILABLE", Retry_After="0"),
        stream(event("PENDING"), event("STARTED", progress=half_done), b"data: {not JSON\n\n"),
        stream(event("STARTED", progress=half_done), event("SUCCESS", result={"text": "\u2028"})),
    ]
    with OddServer(behaviours) as server, open_client(server.url) as client:
        events = list(client.handle("t").events())

    assert [(each.kind, each.status, each.progress) for each in events] == [
        ("state", "PENDING", None),
        ("state", "STARTED", half_done),
        ("state", "SUCCESS", None),
    ]
    assert events[-1].task["result"] == {"text": "\u2028"}


def test_events_of_an_unknown_task_and_events_that_never_come_are_errors(open_client: Open):
    with (
        OddServer([problem(404, "TASK_NOT_FOUND")]) as server,
        open_client(server.url) as client,
        pytest.raises(errors.TaskNotFound),
    ):
        list(client.handle("t").events())
    with (
        OddServer([stream(b"data: nonsense\n\n")]) as server,
        open_client(server.url, deadline=1) as client,
        pytest.raises(errors.NoAnswer, match="an event that is no task"),
    ):
        list(client.handle("t").events())
    with (
        OddServer([stream(event("PENDING"))]) as server,
        open_client(server.url) as client,
        pytest.raises(errors.ResultTimeout, match="PENDING"),
    ):
        list(client.handle("t").events(timeout=0.5))


def page(*task_ids: str, following: str | None = None) -> Any:
    tasks = [{"task_id": task_id, "correlation_id": "ABC-123", "status": "SUCCESS"} for task_id in task_ids]
    return reply(200, {"tasks": tasks} | ({} if following is None else {"next": following}))


def asked_for(server: OddServer) -> list[dict[str, str]]:
    lines = [asked.line.removeprefix("GET /api/v1/tasks?").removesuffix(" HTTP/1.1") for asked in server.asked]
    return [dict(parse_qsl(line, strict_parsing=True)) for line in lines]


def test_the_tasks_of_a_correlation_id_are_those_of_all_pages(open_client: Open):
    pages = [page("a", "b", following="after-b"), problem(503, "BROKER_UNAVAILABLE"), page("c")]
    with OddServer(pages) as server, open_client(server.url) as client:
        tasks = client.tasks_of("ABC-123")

    assert [(task.task_id, task.correlation_id) for task in tasks] == [(name, "ABC-123") for name in "abc"]
    first, second, again = asked_for(server)
    assert first == {"correlation_id": "ABC-123", "order": "oldest", "limit": "200"}
    assert second == again == first | {"cursor": "after-b"}


def test_tasks_are_listed_by_filters_and_know_what_was_told_of_them(open_client: Open):
    with (
        OddServer([page("a", "b", following="x"), page("c", following="y")]) as server,
        open_client(server.url) as client,
    ):
        tasks = list(
            client.tasks(
                status=[Status.FAILURE, "REVOKED"],
                submitted_after=datetime(2026, 11, 25, 16, 30, tzinfo=timezone(timedelta(hours=1))),
                slower_than_ms=500,
                worker=None,
                limit=3,
            )
        )

    assert [(task.task_id, task.listed["status"]) for task in tasks] == [(name, "SUCCESS") for name in "abc"]
    first, second = asked_for(server)
    assert first == {
        "status": "FAILURE,REVOKED",
        "submitted_after": "2026-11-25T16:30:00+01:00",
        "slower_than_ms": "500.0",
        "order": "newest",
        "limit": "3",
    }
    assert second == first | {"limit": "1", "cursor": "x"}


def test_pages_are_asked_for_as_they_are_needed():
    with OddServer([page("a", "b", following="x"), page("c")]) as server, Client(server.url) as client:
        tasks = client.tasks()
        assert server.asked == []
        assert [next(tasks).task_id, next(tasks).task_id, len(server.asked)] == ["a", "b", 1]
        assert [next(tasks).task_id, len(server.asked)] == ["c", 2]


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        ({"status": "DONE"}, "status must be of PENDING, .* not 'DONE'"),
        ({"status": []}, "status"),
        ({"status": [b"FAILURE"]}, "status"),
        ({"correlation_id": "a b"}, "correlation_id"),
        ({"task_type": ""}, "task_type"),
        ({"worker": "a\nb"}, "worker"),
        ({"queue": 5}, "queue"),
        ({"submitted_after": datetime(2026, 11, 25)}, "submitted_after must be a datetime with a time zone"),
        ({"submitted_before": "2026-11-25T16:30:00Z"}, "submitted_before"),
        ({"slower_than_ms": float("nan")}, "slower_than_ms"),
        ({"slower_than_ms": -1}, "slower_than_ms"),
        ({"slower_than_ms": "500ms"}, "slower_than_ms"),
        ({"order": "up"}, "order must be newest or oldest"),
        ({"limit": 0}, "limit"),
        ({"limit": 2.5}, "limit"),
    ],
)
def test_a_filter_that_cannot_be_sent_is_refused_before_anything_is(open_client: Open, filters: Any, says: str):
    with OddServer([page()]) as server, open_client(server.url) as client:
        with pytest.raises(errors.InvalidRequest, match=says):
            client.tasks(**filters)
        with pytest.raises(TypeError, match="no filter 'statis'"):
            client.tasks(statis="FAILURE")
        with pytest.raises(errors.InvalidRequest, match="correlation_id"):
            client.tasks_of(None)
    assert server.asked == []
