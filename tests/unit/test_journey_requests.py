"""From spans to requests: which belong together, where their time went, and what became of the task."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_journey_sample import ID, Sample, journey, only_request
from throughline.journey import Found, assemble, is_complete
from throughline.journey.journey import Request
from throughline.journey.span import Span

MS = 10**6


def times(request: Request) -> list[tuple[str, int, float, float]]:
    return [(step.name, step.depth, step.offset_ns / MS, step.duration_ns / MS) for step in request.steps]


def test_a_request_is_shown_from_nginx_to_the_phases_of_its_run(sample: Sample):
    task = sample.complete(ID)

    request = only_request(sample)

    assert times(request) == [
        ("nginx", 0, 0, 6),
        ("api", 1, 1, 4),
        ("publish high", 2, 2, 2),
        ("wait high", 0, 3, 7),
        ("run calculate_var", 0, 10, 100),
        ("simulate", 1, 20, 80),
    ]
    assert [step.what for step in request.steps] == [
        "POST /api/v1/tasks → 201",
        "answered 201",
        "accepted into high at position 1",
        "waited in high",
        "ran calculate_var → SUCCESS",
        "simulate 100,000 scenarios",
    ]
    assert (request.task_id, request.task_type, request.queue) == (task.task_id, "calculate_var", "high")
    assert (request.status, request.note, request.submitted) == ("SUCCESS", "", True)
    assert (request.method, request.path, request.http_status) == ("POST", "/api/v1/tasks", 201)
    assert request.started.isoformat() == "2026-11-24T14:45:12.123000+00:00"


def test_queue_wait_stands_apart_from_run_time_and_the_three_parts_make_the_total(sample: Sample):
    sample.complete(ID)

    request = only_request(sample)

    assert request.total_ns == 110 * MS
    assert (request.queue_wait_ns, request.run_ns, request.rest_ns) == (7 * MS, 100 * MS, 3 * MS)


def test_the_slowest_step_is_the_one_that_is_slow_itself_and_not_by_its_children(sample: Sample):
    sample.complete(ID)

    assert only_request(sample).slowest.name == "simulate"
    assert {step.name: step.own_ns / MS for step in only_request(sample).steps} == {
        "nginx": 2,
        "api": 2,
        "publish high": 1,
        "wait high": 7,
        "run calculate_var": 20,
        "simulate": 80,
    }


def test_waiting_can_be_the_slowest_step(sample: Sample):
    task = sample.submission(ID)
    sample.run(task, ID, 5_000, 5_100)

    assert only_request(sample).slowest.name == "wait high"


@pytest.mark.parametrize("client_trace", [0, 99])
def test_three_requests_with_one_id_are_three_tasks_even_in_one_trace(sample: Sample, client_trace: int):
    client_span = 98 if client_trace else 0
    tasks = [sample.complete(ID, at, trace=client_trace, client_span=client_span) for at in (0, 40, 400)]

    requests = journey(sample).submissions

    assert [request.task_id for request in requests] == [task.task_id for task in tasks]
    assert [len(request.steps) for request in requests] == [6, 6, 6]
    assert [request.total_ns for request in requests] == [110 * MS] * 3


def test_reads_are_other_requests(sample: Sample):
    sample.complete(ID)
    for at in (50, 100, 150):
        sample.read(ID, at)

    assert len(journey(sample).tasks) == 1
    assert [(other.method, other.http_status, other.status) for other in journey(sample).others] == [
        ("GET", 200, "")
    ] * 3


def test_a_refused_submission_is_no_task_and_says_why(sample: Sample):
    common = {"correlation_id": ID}
    sample.span("publish high", 2, 3, (1, 3, 2), **common, task_id="names-nothing", queue="high")
    http = {"http.request.method": "POST", "url.path": "/api/v1/tasks", "http.response.status_code": 503}
    sample.span("api", 1, 4, (1, 2, 1), **common, **http)
    sample.log(3, "Refused", correlation_id=ID, code="CIRCUIT_OPEN", **{"span.id": f"{2:016x}"})

    request = only_request(sample)

    assert not request.submitted
    assert (request.task_id, request.status, request.http_status) == ("", "", 503)
    assert request.code == "CIRCUIT_OPEN"
    assert [(step.what, step.failed) for step in request.steps] == [
        ("POST /api/v1/tasks → 503", True),
        ("not accepted into high", False),
    ]


def test_a_repeated_submission_names_the_task_of_the_first(sample: Sample):
    common = {"correlation_id": ID}
    sample.span("publish high", 2, 3, (1, 3, 2), **common, task_id="names-nothing", queue="high")
    sample.span("api", 1, 4, (1, 2, 1), **common, task_id="task-1", **{"http.response.status_code": 201})

    request = only_request(sample)

    assert not request.submitted
    assert request.task_id == "task-1"
    assert request.steps[1].what == "no new task: this Idempotency-Key was used before"


def test_nginx_is_drawn_from_its_own_measure_and_around_its_replica(sample: Sample):
    sample.span("api", 0.4, 5.7, (1, 3, 2), correlation_id=ID)
    sample.nginx(5, "0.004", (1, 2, 0), ID, "GET /health", 200)

    nginx, api = only_request(sample).steps

    assert (nginx.offset_ns, nginx.duration_ns) == (0, 5_300_000)
    assert (api.offset_ns, api.duration_ns) == (0, 5_300_000)


def test_a_replica_that_works_on_for_a_client_that_left_does_not_stretch_nginx(sample: Sample):
    sample.span("api", 1, 30_000, (1, 3, 2), correlation_id=ID)
    sample.nginx(100, "0.100", (1, 2, 0), ID, "GET /api/v1/tasks/task-1", 499)

    nginx, api = only_request(sample).steps

    assert nginx.duration_ns == 100 * MS
    assert api.duration_ns == 29_999 * MS


def test_a_failover_says_how_many_replicas_were_asked(sample: Sample):
    sample.nginx(5, "0.005", (1, 2, 0), ID, "GET /health", 200)
    file = sample.var_dir / "spans" / "nginx.jsonl"
    file.write_text(file.read_text().replace("127.0.0.1:8082", "127.0.0.1:8081, 127.0.0.1:8082"))

    assert only_request(sample).steps[0].what == "GET /health → 200, asked 2 replicas"


def test_a_span_whose_parent_is_not_written_yet_joins_the_request_of_its_task(sample: Sample):
    one, two = (sample.submission(ID, at, trace=99, client_span=98) for at in (0, 40))
    sample.phase("validate", 60, 61, one, ID)
    sample.phase("measure", 60, 61, two, ID)

    assert [request.steps[-1].name for request in journey(sample).requests] == ["validate", "measure"]


def test_a_task_sent_past_the_api_is_a_request_of_its_own(sample: Sample):
    sample.span("run calculate_var", 0, 9, (1, 2, 0), correlation_id=ID, task_id="task-1", status="SUCCESS")

    assert only_request(sample).submitted
    assert (only_request(sample).task_id, only_request(sample).status) == ("task-1", "SUCCESS")
    assert not is_complete(journey(sample))


def test_a_journey_is_complete_when_every_task_has_all_its_steps(sample: Sample):
    assert not is_complete(journey(sample))
    sample.complete(ID)
    sample.read(ID, 200)
    assert is_complete(journey(sample))
    late = sample.submission(ID, 300)
    assert not is_complete(journey(sample))
    sample.run(late, ID, 310, 320, published=303)
    assert is_complete(journey(sample))


@pytest.mark.parametrize("missing", ["nginx", "fastapi-2", "worker-2"])
def test_a_journey_without_the_spans_of_one_process_is_not_complete(sample: Sample, missing: str):
    sample.complete(ID)
    (sample.var_dir / "spans" / f"{missing}.jsonl").unlink()

    assert not is_complete(journey(sample))


NAMES = ["nginx", "api", "publish high", "wait high", "run calculate_var", "simulate"]
SPANS = st.lists(
    st.builds(
        lambda trace, span, parent, name, start, length, task: Span(
            trace, span, parent, name, "s", "n", start, start + length, {"task_id": task}
        ),
        st.sampled_from(["t1", "t2"]),
        st.sampled_from("abcdefghijkl"),
        st.sampled_from(["", *"abcdefghijklxy"]),
        st.sampled_from(NAMES),
        st.integers(0, 50),
        st.integers(0, 50),
        st.sampled_from(["", "task-1", "task-2"]),
    ),
    unique_by=lambda span: span.span_id,
    max_size=12,
)


@given(SPANS)
def test_whatever_the_spans_each_is_shown_once_and_the_times_add_up(spans: list[Span]):
    requests = assemble(ID, Found([], spans)).requests

    # A task's status may tell of a step that has no span.
    shown = [step.span_id for request in requests for step in request.steps if step.span_id]
    assert sorted(shown) == sorted(span.span_id for span in spans)
    for request in requests:
        assert min(step.offset_ns for step in request.steps) == 0
        assert max(step.end_ns for step in request.steps) == request.total_ns
        assert min(request.queue_wait_ns, request.run_ns, request.rest_ns) >= 0
        assert all(0 <= step.own_ns <= step.duration_ns for step in request.steps)
        assert request.slowest.own_ns == max(step.own_ns for step in request.steps)
