"""A journey without spans: drawn from log lines, with the same steps, times, attempts and end, and saying so."""

from typing import Any

import pytest

from tests.unit.test_journey_events import rows, tell
from tests.unit.test_journey_requests import times
from tests.unit.test_journey_sample import ID, Sample, Task, journey, only_request
from throughline.journey import is_complete, summary, to_dict
from throughline.journey.journey import Source
from throughline.journey.role import Role

TASK = Task(trace=7, task_id="task-7", nginx=70, api=71, publish=72, wait=73, run=74)
UNSAMPLED: dict[str, Any] = {"trace.sampled": False}


class Lines:
    """Log lines as the processes write them; `more` is on each that names a span."""

    def __init__(self, sample: Sample, correlation_id: str = ID, **more: Any) -> None:
        self._sample = sample
        self._id = correlation_id
        self._more = more

    def request(
        self,
        at_ms: float,
        task: Task = TASK,
        request: str = "POST /api/v1/tasks",
        status: int = 201,
        **api: Any,
    ) -> None:
        """NGINX 0…6 ms, api 1…5 after `at_ms`."""
        method, path = request.split(" ")
        http: dict[str, Any] = {"http.request.method": method, "url.path": path, "http.response.status_code": status}
        self.nginx(at_ms + 6, 6, task, **http)
        self.api(at_ms + 5, 4, task, **http, **api)

    def nginx(self, at_ms: float, took_ms: float, task: Task = TASK, **fields: Any) -> None:
        self._write(
            at_ms, "request.completed", task, task.nginx, "nginx", "nginx", duration_ms=took_ms, task_id=None, **fields
        )

    def api(self, at_ms: float, took_ms: float, task: Task = TASK, **fields: Any) -> None:
        self._write(at_ms, "request.completed", task, task.api, "api", "fastapi-2", duration_ms=took_ms, **fields)

    def event(self, at_ms: float, action: str, task: Task = TASK, **fields: Any) -> None:
        """By the api."""
        self._write(at_ms, action, task, task.api, "api", "fastapi-2", **fields)

    def submitted(self, at_ms: float, task: Task = TASK, **fields: Any) -> None:
        self.event(at_ms, "task.submitted", task, status="PENDING", **OF_TASK | fields)

    def worker(self, at_ms: float, action: str, task: Task = TASK, **fields: Any) -> None:
        own = OF_TASK | {"attempt": 1} | fields
        self._write(at_ms, action, task, own.pop("span", task.run), "worker", own.pop("node", "worker-2"), **own)

    def attempt(self, start_ms: float, end_ms: float, task: Task = TASK, **fields: Any) -> None:
        """Started and ended, in SUCCESS unless told otherwise, after a wait of 7 ms unless told otherwise."""
        own = {"attempt": 1, "queue_wait_ms": 7.0} | fields
        action = own.pop("action", "task.succeeded")
        end = {"status": own.pop("status", "SUCCESS"), "duration_ms": end_ms - start_ms}
        error = {name: own.pop(name) for name in ("error.type",) if name in own}
        self.worker(start_ms + 0.5, "task.started", task, status="STARTED", **own)
        self.worker(end_ms, action, task, **own, **end, **error)

    def _write(self, at_ms: float, action: str, task: Task, span: int, service: str, node: str, **fields: Any) -> None:
        ids = {"trace.id": f"{task.trace:032x}", "span.id": f"{span:016x}"} if task.trace else {}
        own = {"correlation_id": self._id, "task_id": task.task_id, "event.action": action}
        given = {name: value for name, value in (own | ids | self._more | fields).items() if value is not None}
        self._sample.log(at_ms, action, service=service, node=node, **given)


OF_TASK = {"queue": "high", "task_type": "calculate_var"}


@pytest.fixture
def lines(sample: Sample) -> Lines:
    return Lines(sample, **UNSAMPLED)


def test_an_unsampled_request_has_its_journey_from_nginx_to_its_end(sample: Sample, lines: Lines):
    lines.request(0)
    lines.submitted(4)
    lines.attempt(10, 110)

    request = only_request(sample)

    assert times(request) == [
        ("nginx", 0, 0, 6),
        ("api", 1, 1, 4),
        ("publish high", 2, 3, 1),
        ("wait high", 0, 3, 7),
        ("run calculate_var", 0, 10, 100),
    ]
    assert [step.what for step in request.steps] == [
        "POST /api/v1/tasks → 201",
        "answered 201",
        "accepted into high",
        "waited in high",
        "ran calculate_var → SUCCESS",
    ]
    assert [step.node for step in request.steps] == ["nginx", "fastapi-2", "fastapi-2", "worker-2", "worker-2"]
    assert (request.status, request.http_status, request.task_id) == ("SUCCESS", 201, "task-7")
    assert (request.queue_wait_ns, request.run_ns, request.total_ns) == (7_000_000, 100_000_000, 110_000_000)
    assert (request.tasks[0].attempt, request.note) == (1, "")
    assert is_complete(journey(sample))


def test_it_says_what_it_is_made_of(sample: Sample, lines: Lines):
    lines.request(0)
    lines.submitted(4)
    lines.attempt(10, 110)

    request = only_request(sample)
    (document,) = to_dict(journey(sample))["requests"]

    told = (
        "Drawn from log lines: this request leaves no spans (it is not sampled). The phases of its run are not in them."
    )
    assert list(summary.notes(request)) == [told]
    assert f"trace {7:032x}, not sampled" in list(summary.facts(request))
    assert (document["source"], document["sampled"], document["source_note"]) == ("log lines", False, told)
    assert {step["source"] for step in document["steps"]} == {"log lines"}
    assert {step["span_id"] for step in document["steps"]} == {None}


def test_without_the_lines_flag_the_spans_may_still_come(sample: Sample):
    lines = Lines(sample)
    lines.request(0)
    lines.submitted(4)
    lines.attempt(10, 110)

    request = only_request(sample)

    assert (request.source, request.status) == (Source.LINES, "SUCCESS")
    assert summary.made_of(request).startswith(
        "Drawn from log lines: its spans are not written yet, were lost, or are switched off."
    )
    assert to_dict(journey(sample))["requests"][0]["sampled"] is None
    assert not is_complete(journey(sample))


def test_where_spans_are_they_count_and_nothing_is_drawn_twice(sample: Sample):
    task = sample.complete(ID)
    lines = Lines(sample)
    lines.request(0, task)
    lines.submitted(4.1, task)
    lines.attempt(10.2, 110.3, task)

    request = only_request(sample)

    assert [step.name for step in request.steps] == [
        "nginx",
        "api",
        "publish high",
        "wait high",
        "run calculate_var",
        "simulate",
    ]
    assert (request.source, request.unsampled, summary.made_of(request)) == (Source.SPANS, False, "")
    assert is_complete(journey(sample))


def test_a_production_run_logs_neither_the_apis_answer_nor_the_start(sample: Sample, lines: Lines):
    http: dict[str, Any] = {"http.request.method": "POST", "url.path": "/api/v1/tasks"}
    http["http.response.status_code"] = 201
    lines.nginx(6, 6, **http)
    lines.submitted(4)
    lines.worker(110, "task.succeeded", status="SUCCESS", duration_ms=100, queue_wait_ms=7)

    request = only_request(sample)

    # What NGINX and the API did is in one trace: it is one request, though no line says which replica answered.
    assert times(request) == [
        ("nginx", 0, 0, 6),
        ("publish high", 1, 3, 1),
        ("wait high", 0, 3, 7),
        ("run calculate_var", 0, 10, 100),
    ]
    assert is_complete(journey(sample))


@pytest.mark.parametrize("named", ["api", "nginx"])
def test_a_replica_without_spans_is_drawn_between_nginx_and_what_it_published(sample: Sample, named: str):
    """An excluded URL: its lines name NGINX's span, and so does the publication as its parent."""
    task = Task(7, "task-7", 70, 71 if named == "api" else 70, 72, 73, 74)
    of_task = {"correlation_id": ID, "task_id": "task-7"}
    sample.nginx(6, "0.006", (7, 70, 0), ID, "POST /api/v1/tasks", 201)
    sample.span("publish high", 2, 4, (7, 72, 70), **of_task, queue="high", queue_position=1)
    sample.run(task, ID, 10, 110)
    lines = Lines(sample)
    lines.request(0, task)
    lines.submitted(4.1, task)
    lines.attempt(10.2, 110.3, task)

    request = only_request(sample)

    assert times(request) == [
        ("nginx", 0, 0, 6),
        ("api", 1, 1, 4),
        ("publish high", 2, 2, 2),
        ("wait high", 0, 3, 7),
        ("run calculate_var", 0, 10, 100),
    ]
    assert request.source is Source.BOTH
    assert list(summary.notes(request)) == [
        "Drawn from log lines, since their spans are not written yet, were lost, or are switched off: api."
    ]
    assert [step["source"] for step in to_dict(journey(sample))["requests"][0]["steps"]][:3] == [
        "span",
        "log lines",
        "span",
    ]


def test_workers_without_spans_are_drawn_after_a_publication_that_has_one(sample: Sample):
    task = sample.submission(ID)
    Lines(sample).attempt(10, 110, task)

    request = only_request(sample)

    assert rows(request) == [("waited in high", 3, 7), ("ran calculate_var → SUCCESS", 10, 100)]
    assert (request.status, request.source) == ("SUCCESS", Source.BOTH)
    assert not is_complete(journey(sample))


def test_phases_that_were_exported_before_the_process_was_killed_stand_below_the_run(sample: Sample):
    task = sample.submission(ID)
    sample.phase("simulate", 20, 40, task, ID)
    lines = Lines(sample)
    lines.worker(10.5, "task.started", task, status="STARTED", queue_wait_ms=7)
    lost: dict[str, Any] = {"cause": "lost with worker-2", "status": "PENDING", "service.name": "monitor"}
    lines.worker(5_000, "task.put_back", task, span=0, **lost)

    told = [(step.what, step.depth) for step in only_request(sample).steps[3:6]]

    assert told == [
        ("waited in high", 0),
        ("ran calculate_var: lost with worker-2", 0),
        ("simulate", 1),
    ]


def test_several_requests_in_one_trace_keep_their_own_answers(sample: Sample, lines: Lines):
    for number, at_ms in enumerate((0, 2, 40)):
        one = Task(7, f"task-{number}", 100 + number, 200 + number, 0, 0, 300 + number)
        lines.request(at_ms, one)
        lines.submitted(at_ms + 4, one)
        lines.attempt(at_ms + 10, at_ms + 20, one)

    found = journey(sample)

    assert [request.task_id for request in found.requests] == ["task-0", "task-1", "task-2"]
    assert [[step.role for step in request.steps] for request in found.requests] == [
        [Role.NGINX, Role.API, Role.PUBLISH, Role.WAIT, Role.RUN]
    ] * 3


def test_requests_that_name_the_same_span_of_their_caller_keep_their_own_steps_and_lines(sample: Sample, lines: Lines):
    """A client polls a replica without spans, past NGINX, from within one span of its own."""
    post: dict[str, Any] = {"http.request.method": "POST", "http.response.status_code": 201}
    get: dict[str, Any] = {"http.request.method": "GET", "http.response.status_code": 200}
    lines.submitted(4)
    lines.api(5, 4, **post)
    lines.api(25, 20, **get)
    lines.attempt(10, 60, span=TASK.api)
    lines.api(72, 2, **get)

    found = journey(sample)

    assert [(request.method, request.http_status) for request in found.requests] == [
        ("POST", 201),
        ("GET", 200),
        ("GET", 200),
    ]
    assert times(found.requests[0])[0] == ("api", 0, 0, 4)
    assert [step.role for step in found.requests[0].steps] == [Role.API, Role.PUBLISH, Role.WAIT, Role.RUN]
    assert [len(request.logs) for request in found.requests] == [4, 1, 1]


def test_reads_and_refusals_have_their_status(sample: Sample, lines: Lines):
    lines.request(0, Task(8, "task-1", 80, 81, 0, 0, 0), "GET /api/v1/tasks/task-1", 200)
    lines.request(10, Task(9, "", 90, 91, 0, 0, 0), status=422, code="VALIDATION_FAILED")
    refused = Task(10, "", 100, 101, 0, 0, 0)
    lines.event(24, "task.rejected", refused, code="CIRCUIT_OPEN")
    lines.request(20, refused, status=503, code="CIRCUIT_OPEN")

    found = journey(sample)

    assert [summary.one_line(request) for request in found.requests] == [
        "GET /api/v1/tasks/task-1 → 200",
        "POST /api/v1/tasks → 422 VALIDATION_FAILED",
        "POST /api/v1/tasks → 503 CIRCUIT_OPEN",
    ]
    assert [[step.what for step in request.steps[2:]] for request in found.requests] == [
        [],
        [],
        ["not accepted: CIRCUIT_OPEN"],
    ]
    assert found.submissions == ()


def test_a_look_at_the_page_with_the_journeys_own_id_is_no_part_of_it(sample: Sample, lines: Lines):
    lines.request(0)
    page: dict[str, Any] = {"http.request.method": "GET", "url.path": f"/journeys/{ID}"}
    lines.nginx(500, 12, Task(8, "", 80, 0, 0, 0, 0), **page)

    assert only_request(sample).path == "/api/v1/tasks"


def test_an_idempotent_replay_names_the_first_task_and_is_none(sample: Sample, lines: Lines):
    lines.request(0)
    lines.submitted(4)
    again = Task(8, "task-7", 80, 81, 0, 0, 0)
    lines.request(50, again)
    lines.event(54, "task.replayed", again, status="PENDING")
    lines.attempt(100, 110, queue_wait_ms=97.0)

    found = journey(sample)

    assert [request.submitted for request in found.requests] == [True, False]
    assert found.requests[1].steps[2].what == "no new task: this Idempotency-Key was used before"
    assert summary.one_line(found.requests[1]).endswith("answered with the earlier task task-7")


def test_retries_and_their_pauses_are_drawn(sample: Sample, lines: Lines):
    lines.request(0)
    lines.submitted(4)
    error: dict[str, Any] = {"error.type": "ConnectionError"}
    lines.attempt(10, 50, action="task.retried", status="RETRY", **error)
    due: dict[str, Any] = {"status": "PENDING", "service.name": "monitor"}
    lines.worker(60_050, "task.due", span=0, **due)
    lines.attempt(60_090, 60_100, attempt=2, queue_wait_ms=40.0, span=99)

    request = only_request(sample)

    assert rows(request) == [
        ("waited in high", 3, 7),
        ("ran calculate_var → RETRY: ConnectionError", 10, 40),
        ("waited 1 m 00 s for attempt 2", 50, 60_000),
        ("retry due: put into high for attempt 2", 60_050, 0),
        ("waited in high for attempt 2", 60_050, 40),
        ("ran calculate_var → SUCCESS, attempt 2", 60_090, 10),
    ]
    assert (request.tasks[0].attempt, request.status) == (2, "SUCCESS")
    assert request.pause_ns == 60_000_000_000


def test_a_dead_letters_last_delivery_is_no_attempt(sample: Sample, lines: Lines):
    lines.request(0)
    lines.submitted(4)
    for attempt, start_ms in enumerate((10, 110, 210), start=1):
        lines.worker(start_ms, "task.started", attempt=attempt, status="STARTED", queue_wait_ms=7, span=90 + attempt)
        back: dict[str, Any] = {"status": "PENDING", "cause": "lost with process 9 of worker-2"}
        lines.worker(start_ms + 90, "task.handed_back", attempt=attempt, span=0, **back)
    dead: dict[str, Any] = {"attempt": 3, "status": "FAILURE", "duration_ms": 4, "queue_wait_ms": 6}
    lines.worker(310, "task.dead_lettered", span=94, **dead)

    request = only_request(sample)

    assert [what for what, *_ in rows(request) if "handed" not in what] == [
        "waited in high",
        "ran calculate_var: lost with process 9 of worker-2",
        "waited in high for attempt 2",
        "ran calculate_var, attempt 2: lost with process 9 of worker-2",
        "waited in high for attempt 3",
        "ran calculate_var, attempt 3: lost with process 9 of worker-2",
        "waited in high",
        "delivered once more and not run → FAILURE",
        "given up as a dead letter",
    ]
    assert (request.status, request.tasks[0].attempt) == ("FAILURE", 3)


def test_a_dead_letters_last_delivery_is_no_attempt_when_it_has_spans(sample: Sample):
    task = sample.submission(ID)
    sample.run(task, ID, 10, 100, attempt=3, status="RETRY", cause="lost with process 9 of worker-2")
    sample.run(task, ID, 107, 111, attempt=3, status="FAILURE", ids=(998, 999), published=100)
    tell(sample, 111, "task.dead_lettered", task, status="FAILURE", attempt=3)

    assert [what for what, *_ in rows(only_request(sample))] == [
        "waited in high for attempt 3",
        "ran calculate_var, attempt 3: lost with process 9 of worker-2",
        "waited in high",
        "delivered once more and not run → FAILURE",
        "given up as a dead letter",
    ]


def test_children_stand_below_their_parents_run(sample: Sample, lines: Lines):
    lines.request(0)
    lines.submitted(4)
    child = Task(7, "child-1", 0, 0, 0, 0, 84)
    born: dict[str, Any] = {"parent_id": "task-7", "status": "PENDING", "attempt": None}
    lines.worker(30, "task.submitted", child, span=83, **born)
    lines.attempt(40, 60, child, queue_wait_ms=12.0)
    lines.attempt(10, 110)

    request = only_request(sample)

    assert times(request)[3:] == [
        ("wait high", 0, 3, 7),
        ("run calculate_var", 0, 10, 100),
        ("publish high", 1, 28, 2),
        ("wait high", 1, 28, 12),
        ("run calculate_var", 1, 40, 20),
    ]
    assert [(task.task_id, task.parent_id, task.status) for task in request.tasks] == [
        ("task-7", "", "SUCCESS"),
        ("child-1", "task-7", "SUCCESS"),
    ]
    assert is_complete(journey(sample))


def test_what_waits_what_runs_and_what_was_cancelled(sample: Sample, lines: Lines):
    states = {}
    for number, (name, status) in enumerate((("waiting", ""), ("running", "STARTED"), ("cancelled", "REVOKED"))):
        one = Task(20 + number, name, 30 + number, 40 + number, 0, 0, 50 + number)
        lines.request(number * 100, one)
        lines.submitted(number * 100 + 4, one)
        if status == "STARTED":
            lines.worker(number * 100 + 10, "task.started", one, status=status, queue_wait_ms=6.0)
        if status == "REVOKED":
            lines.event(number * 100 + 50, "task.cancelled", one, status=status, requested_by="DEL-1", **OF_TASK)
    for request in journey(sample).requests:
        states[request.task_id] = (request.status, request.note.split(",")[0], [s.what for s in request.steps[3:]])

    assert states == {
        "waiting": ("PENDING", "Not started yet: it waits in high.", []),
        "running": ("STARTED", "It is running on worker-2.", ["waited in high"]),
        "cancelled": (
            "REVOKED",
            "Cancelled before it ran",
            ["waited in high", "cancelled by request DEL-1"],
        ),
    }


def test_a_request_without_spans_that_cancelled_a_task_says_so(sample: Sample):
    """OTEL_SDK_DISABLED: the replica's lines name NGINX's span."""
    of_request = Task(9, "task-7", 90, 90, 0, 0, 0)
    Lines(sample, "DEL-1", **UNSAMPLED).request(0, of_request, "DELETE /api/v1/tasks/task-7", 200)
    Lines(sample, ID, **UNSAMPLED).event(3, "task.cancelled", of_request, status="REVOKED", requested_by="DEL-1")

    (request,) = journey(sample, "DEL-1").requests

    assert summary.one_line(request) == f"DELETE /api/v1/tasks/task-7 → 200, cancelled task task-7 of {ID}"


def test_lines_without_any_trace_are_a_journey_too(sample: Sample):
    alone = Task(0, "task-7", 0, 0, 0, 0, 0)
    lines = Lines(sample)
    lines.request(0, alone)
    lines.submitted(4, alone)
    lines.attempt(10, 110, alone)

    request = only_request(sample)

    assert [step.role for step in request.steps] == [Role.NGINX, Role.API, Role.PUBLISH, Role.WAIT, Role.RUN]
    assert (request.status, request.trace_id) == ("SUCCESS", "")
