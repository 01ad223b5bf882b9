"""What the log lines add to the spans: put back, retry due, cancelled, dead letter, replayed, and how a task ended."""

from typing import Any

import pytest

from tests.unit.test_journey_sample import ID, Sample, Task, only_request
from throughline.journey import assemble, find, is_complete
from throughline.journey.journey import Request
from throughline.journey.role import Role

MS = 10**6


def tell(sample: Sample, at_ms: float, action: str, task: Task, correlation_id: str = ID, **fields: Any) -> None:
    own = {"event.action": action, "task_id": task.task_id, "queue": "high", "task_type": "calculate_var"}
    sample.log(at_ms, fields.pop("message", action), correlation_id=correlation_id, **own | fields)


def monitor(**fields: Any) -> dict[str, Any]:
    return {"service": "monitor", "node": "monitor", "status": "PENDING"} | fields


def rows(request: Request, after: int = 3) -> list[tuple[str, float, float]]:
    """What the queue and the workers did; the first three steps take the request in."""
    return [(step.what, step.offset_ns / MS, step.duration_ns / MS) for step in request.steps[after:]]


def test_a_retry_waits_until_it_is_due_and_then_in_its_queue(sample: Sample):
    task = sample.submission(ID)
    sample.run(task, ID, 10, 50, status="RETRY", **{"error.type": "ConnectionError"})
    tell(sample, 50, "task.retried", task, status="RETRY", attempt=1)
    tell(sample, 60_050, "task.due", task, **monitor(attempt=1))
    sample.run(task, ID, 60_090, 60_100, attempt=2, ids=(1001, 1002))

    request = only_request(sample)

    assert rows(request) == [
        ("waited in high", 3, 7),
        ("ran calculate_var → RETRY: ConnectionError", 10, 40),
        ("waited 1 m 00 s for attempt 2", 50, 60_000),
        ("retry due: put into high for attempt 2", 60_050, 0),
        ("waited in high for attempt 2", 60_050, 40),
        ("ran calculate_var → SUCCESS, attempt 2", 60_090, 10),
    ]
    assert [step.role for step in request.steps[5:7]] == [Role.PAUSE, Role.MARK]
    assert (request.queue_wait_ns, request.run_ns, request.pause_ns) == (47 * MS, 50 * MS, 60_000 * MS)
    assert request.rest_ns == 3 * MS


def test_a_task_that_the_sweep_put_back_says_why(sample: Sample):
    task = sample.submission(ID)
    lost = {"worker": "worker-1", "cause": "lost with worker-1"}
    sample.run(task, ID, 10, 9_000, status="RETRY", ids=(task.wait, 999), **lost)
    tell(sample, 9_000, "task.put_back", task, **monitor(cause="lost with worker-1", attempt=1))
    sample.run(task, ID, 9_100, 9_200, attempt=2, ids=(1001, 1002), published=9_000)

    assert ("put back into high by the monitor: lost with worker-1", 9_000, 0) in rows(only_request(sample))
    assert only_request(sample).status == "SUCCESS"


def test_after_it_was_put_back_a_task_waits_again(sample: Sample):
    task = sample.submission(ID)
    tell(sample, 10, "task.started", task, status="STARTED", attempt=1, node="worker-1")
    tell(sample, 9_000, "task.put_back", task, **monitor(cause="lost with worker-1", attempt=1))

    request = only_request(sample)

    assert (request.status, request.note) == ("PENDING", "Not started yet: it waits in high.")
    assert rows(request) == [
        ("waited in high", 4, 6),
        ("ran calculate_var: lost with worker-1", 10, 8_990),
        ("put back into high by the monitor: lost with worker-1", 9_000, 0),
    ]


def test_a_run_that_its_hard_time_limit_ended_is_a_step_though_its_process_wrote_no_span(sample: Sample):
    task = sample.submission(ID)
    of_task = {"correlation_id": ID, "task_id": task.task_id}
    sample.span("wait high", 3, 10, (task.trace, task.wait, task.publish), **of_task, queue="high")
    sample.phase("validate", 11, 12, task, ID)
    error = {"error.type": "TimeLimitExceeded", "status": "FAILURE", "node": "worker-2"}
    tell(sample, 120_010, "task.failed", task, **error)

    request = only_request(sample)

    assert rows(request) == [
        ("waited in high", 3, 7),
        ("ran calculate_var → FAILURE: TimeLimitExceeded", 10, 120_000),
        ("validate", 11, 1),
    ]
    assert [(step.node, step.depth, step.failed) for step in request.steps[4:]] == [
        ("worker-2", 0, True),
        ("worker-2", 1, False),
    ]


def test_a_task_cancelled_while_it_waited_says_when_and_by_which_request(sample: Sample):
    task = sample.submission(ID)
    tell(sample, 5_000, "task.cancelled", task, status="REVOKED", requested_by="DEL-1")

    request = only_request(sample)

    assert (request.status, request.has_ended) == ("REVOKED", True)
    assert rows(request) == [("waited in high", 4, 4_996), ("cancelled by request DEL-1", 5_000, 0)]
    assert request.steps[-1].requested_by == "DEL-1"
    assert request.note == "Cancelled before it ran, at 14:45:17.123 UTC by request DEL-1."
    assert is_complete(assemble(ID, find(sample.var_dir, ID)))


def delete(sample: Sample, correlation_id: str, at_ms: int, task: Task, trace: int = 900) -> None:
    http = {
        "http.request.method": "DELETE",
        "url.path": f"/api/v1/tasks/{task.task_id}",
        "http.response.status_code": 200,
    }
    of_task = {"correlation_id": correlation_id, "task_id": task.task_id}
    sample.span("api", at_ms, at_ms + 2, (trace, trace + 1, trace + 2), **of_task, **http)


def test_the_request_that_cancelled_a_task_of_another_id_says_which(sample: Sample):
    task = sample.submission(ID)
    delete(sample, "DEL-1", 5_000, task)
    tell(sample, 5_001, "task.cancelled", task, status="REVOKED", requested_by="DEL-1", **{"span.id": f"{901:016x}"})

    request = only_request(sample, "DEL-1")

    assert (request.submitted, request.tasks) == (False, ())
    assert [(effect.action, effect.task_id, effect.correlation_id) for effect in request.effects] == [
        ("cancelled", task.task_id, ID)
    ]
    assert only_request(sample).status == "REVOKED"


def test_a_running_task_that_was_cancelled_names_the_request_too(sample: Sample):
    task = sample.submission(ID)
    sample.run(task, ID, 10, 50, status="REVOKED")
    delete(sample, "DEL-1", 40, task)
    tell(sample, 50, "task.cancelled", task, status="REVOKED", attempt=1, requested_by="DEL-1")

    assert only_request(sample).steps[-1].what == "cancelled by request DEL-1"
    assert only_request(sample).note.startswith("Cancelled while it ran")
    assert only_request(sample, "DEL-1").effects[0].task_id == task.task_id


def test_a_cancellation_under_the_same_id_is_another_request_and_ends_the_task(sample: Sample):
    task = sample.submission(ID)
    delete(sample, ID, 5_000, task)
    tell(sample, 5_001, "task.cancelled", task, status="REVOKED", requested_by=ID, **{"span.id": f"{901:016x}"})

    journey = assemble(ID, find(sample.var_dir, ID))

    assert [request.status for request in journey.submissions] == ["REVOKED"]
    assert [effect.action for request in journey.others for effect in request.effects] == ["cancelled"]


def test_a_dead_letter_that_was_replayed_runs_again(sample: Sample):
    task = sample.submission(ID)
    sample.run(task, ID, 10, 50, status="FAILURE", **{"error.type": "ConnectionError"})
    tell(sample, 50, "task.dead_lettered", task, status="FAILURE", attempt=1, cause="retries used up")
    tell(sample, 8_050, "task.replayed_by_operator", task, status="PENDING", requested_by="FIX-1")
    waiting = only_request(sample)
    sample.run(task, ID, 8_100, 8_200, attempt=2, ids=(1001, 1002), published=50)

    assert waiting.status == "PENDING"
    assert rows(only_request(sample), after=5) == [
        ("given up as a dead letter: retries used up", 50, 0),
        ("a dead letter for 8.00 s, until it was replayed", 50, 8_000),
        ("put into high again: dead letter replayed by request FIX-1", 8_050, 0),
        ("waited in high for attempt 2", 8_050, 50),
        ("ran calculate_var → SUCCESS, attempt 2", 8_100, 100),
    ]
    assert only_request(sample).status == "SUCCESS"


def test_a_task_whose_process_died_while_it_stored_ends_as_its_next_delivery_found_it(sample: Sample):
    task = sample.submission(ID)
    tell(sample, 10, "task.started", task, status="STARTED", attempt=1, node="worker-1")
    tell(sample, 900, "task.skipped", task, status="SUCCESS", attempt=1, node="worker-2")

    request = only_request(sample)

    assert (request.status, request.note) == ("SUCCESS", "")
    assert rows(request)[1:] == [
        ("ran calculate_var → SUCCESS", 10, 890),
        ("delivered once more and not run: it is SUCCESS already", 900, 0),
    ]


def test_what_a_late_attempt_reports_does_not_count(sample: Sample):
    task = sample.submission(ID)
    tell(sample, 10, "task.started", task, status="STARTED", attempt=1)
    tell(sample, 500, "task.started", task, status="STARTED", attempt=2)
    tell(sample, 600, "task.succeeded", task, status="SUCCESS", attempt=1)

    assert only_request(sample).status == "STARTED"


def test_the_first_end_counts(sample: Sample):
    task = sample.submission(ID)
    tell(sample, 10, "task.cancelled", task, status="REVOKED")
    tell(sample, 20, "task.succeeded", task, status="SUCCESS", attempt=1)

    assert only_request(sample).status == "REVOKED"


def test_a_task_past_the_api_of_which_only_lines_tell_is_a_task(sample: Sample):
    task = Task(0, "task-9", 0, 0, 0, 0, 0)
    tell(sample, 0, "task.received", task, node="worker-1", service="worker")
    tell(sample, 1, "task.cancelled", task, status="REVOKED", cause="its message had expired", service="worker")

    journey = assemble(ID, find(sample.var_dir, ID))
    (request,) = journey.submissions

    assert (request.task_id, request.task_type, request.queue) == ("task-9", "calculate_var", "high")
    assert (request.status, journey.loose_logs) == ("REVOKED", ())
    assert [step.what for step in request.steps] == ["waited in high", "cancelled: its message had expired"]
    assert len(request.logs) == 2


def test_an_event_that_has_no_words_of_its_own_is_told_by_its_message(sample: Sample):
    task = sample.submission(ID)
    tell(sample, 10, "task.invented", task, message="Something new happened")

    assert only_request(sample).steps[-1].what == "Something new happened"


@pytest.mark.parametrize("name", ["wait high", "wait", "run calculate_var", "nginx", "api", "publish high", "run"])
def test_a_phase_may_be_named_anything(sample: Sample, name: str):
    task = sample.complete(ID)
    sample.phase(name, 30, 40, task, ID, phase=name)

    request = only_request(sample)

    assert [step.what for step in request.steps if step.role is Role.PHASE] == ["simulate 100,000 scenarios", name]
    assert (request.queue_wait_ns, request.run_ns, len(request.tasks)) == (7 * MS, 100 * MS, 1)


def test_a_running_task_that_is_asked_to_stop_says_by_whom_before_it_stops(sample: Sample):
    task = sample.submission(ID)
    asked = {"status": "STARTED", "requested_by": "DEL-1", "span.id": f"{901:016x}"}
    delete(sample, "DEL-1", 40, task)
    tell(sample, 41, "task.cancel_requested", task, **asked)
    sample.run(task, ID, 10, 50, status="REVOKED")
    tell(sample, 50, "task.cancelled", task, status="REVOKED", attempt=1)

    assert rows(only_request(sample))[1:] == [
        ("ran calculate_var → REVOKED", 10, 40),
        ("asked to stop by request DEL-1", 41, 0),
    ]
    assert only_request(sample).note == "Cancelled while it ran, at 14:45:12.173 UTC by request DEL-1."
    assert [effect.action for effect in only_request(sample, "DEL-1").effects] == ["asked to stop"]


def test_an_operators_name_and_words_are_told_where_the_task_was_asked_to_stop_and_in_its_note(sample: Sample):
    task = sample.submission(ID)
    by = {"requested_by": "DEL-1", "caller": "ops-key", "why": "wrong portfolio"}
    tell(sample, 41, "task.cancel_requested", task, status="STARTED", **by)
    sample.run(task, ID, 10, 50, status="REVOKED")
    tell(sample, 50, "task.cancelled", task, status="REVOKED", attempt=1, requested_by="DEL-1")

    told = "by ops-key: wrong portfolio (request DEL-1)"
    assert f"asked to stop {told}" in [step.what for step in only_request(sample).steps]
    assert only_request(sample).note == f"Cancelled while it ran, at 14:45:12.173 UTC {told}."


def test_without_keys_there_is_no_name_to_tell(sample: Sample):
    task = sample.submission(ID)
    by = {"requested_by": "DEL-1", "caller": "anyone", "why": "wrong portfolio"}
    tell(sample, 5_000, "task.cancelled", task, status="REVOKED", **by)

    assert only_request(sample).steps[-1].what == "cancelled by request DEL-1: wrong portfolio"


def test_what_a_process_needed_for_its_claim_is_no_run_of_its_own(sample: Sample):
    task = sample.submission(ID)
    lost = {"worker": "worker-1", "cause": "lost with process 7 of worker-1", "status": "RETRY"}
    of_task = {"correlation_id": ID, "task_id": task.task_id}
    sample.span("wait high", 3, 10, (task.trace, task.wait, task.publish), **of_task, queue="high")
    sample.span("run calculate_var", 53, 90, (task.trace, 999, task.publish), **of_task, attempt=1, **lost)

    assert rows(only_request(sample)) == [
        ("waited in high", 3, 7),
        ("ran calculate_var: lost with process 7 of worker-1", 10, 80),
    ]


def test_a_run_that_has_a_span_is_drawn_once_even_if_it_does_not_cover_all_of_its_time(sample: Sample):
    task = sample.submission(ID)
    lost = {"worker": "worker-1", "cause": "lost with worker-1", "status": "RETRY"}
    of_task = {"correlation_id": ID, "task_id": task.task_id}
    sample.span("wait high", 3, 10, (task.trace, task.wait, task.publish), **of_task, queue="high")
    sample.span("run calculate_var", 400, 900, (task.trace, 999, task.publish), **of_task, attempt=1, **lost)

    assert [what for what, _, _ in rows(only_request(sample))] == [
        "waited in high",
        "ran calculate_var: lost with worker-1",
    ]


def test_a_run_that_ended_without_a_status_is_not_said_to_be_running(sample: Sample):
    task = sample.submission(ID)
    sample.run(task, ID, 10, 50, status="")

    assert "has ended, and nothing says how" in only_request(sample).note


def test_what_a_worker_says_of_the_end_that_its_span_reported_first_is_in_the_note(sample: Sample):
    task = sample.submission(ID)
    sample.run(task, ID, 10, 50, status="REVOKED")
    tell(sample, 51, "task.cancelled", task, status="REVOKED", attempt=1, cause="terminated through Celery")

    assert only_request(sample).note.endswith("(terminated through Celery).")


def test_a_task_is_handed_back_before_it_waits_again(sample: Sample):
    task = sample.submission(ID)
    lost = {"worker": "worker-1", "cause": "lost with process 7 of worker-1"}
    sample.run(task, ID, 10, 60, status="RETRY", ids=(task.wait, 999), **lost)
    tell(sample, 78, "task.handed_back", task, status="PENDING", attempt=1, cause="lost with process 7 of worker-1")
    sample.run(task, ID, 90, 100, attempt=2, ids=(1001, 1002), published=60)

    assert [what for what, _, _ in rows(only_request(sample))][2:4] == [
        "handed back to high by its worker: lost with process 7 of worker-1",
        "waited in high for attempt 2",
    ]


def test_a_task_cancelled_between_two_attempts_is_not_said_to_have_been_running(sample: Sample):
    task = sample.submission(ID)
    sample.run(task, ID, 10, 50, status="RETRY")
    tell(sample, 50, "task.retried", task, status="RETRY", attempt=1)
    tell(sample, 90, "task.cancelled", task, status="REVOKED", requested_by="DEL-1")

    assert only_request(sample).note.startswith("Cancelled while it waited for attempt 2, at ")


def test_a_task_cancelled_in_its_queue_after_a_replay_is_not_said_to_have_been_running(sample: Sample):
    task = sample.submission(ID)
    sample.run(task, ID, 10, 50, status="FAILURE")
    tell(sample, 90, "task.replayed_by_operator", task, status="PENDING", requested_by="REPLAY-1")
    tell(sample, 95, "task.cancelled", task, status="REVOKED", requested_by="DEL-1")

    note = only_request(sample).note
    assert note.startswith("Cancelled while it waited in its queue again, at ")
    assert note.endswith(" by request DEL-1.")


def test_of_two_requests_that_ask_a_task_to_stop_the_first_counts(sample: Sample):
    task = sample.submission(ID)
    for at_ms, request in ((41, "DEL-1"), (43, "DEL-2")):
        tell(sample, at_ms, "task.cancel_requested", task, status="STARTED", requested_by=request)
    sample.run(task, ID, 10, 50, status="REVOKED")
    tell(sample, 50, "task.cancelled", task, status="REVOKED", attempt=1)

    assert only_request(sample).note.endswith(" by request DEL-1.")


def test_a_stock_client_s_task_waits_from_when_a_worker_took_it(sample: Sample):
    task = Task(7, "task-9", 0, 0, 0, 0, 0)
    of_task = {"correlation_id": ID, "task_id": task.task_id, "task_type": "calculate_var", "queue": "high"}
    tell(sample, 0, "task.received", task, node="worker-1", service="worker")
    tell(sample, 4_000, "task.started", task, status="STARTED", attempt=1, node="worker-1", service="worker")
    sample.span("run calculate_var", 4_000, 4_100, (7, 8, 0), **of_task, attempt=1, status="SUCCESS")

    request = only_request(sample)

    assert rows(request, 0) == [("waited in high", 0, 4_000), ("ran calculate_var → SUCCESS", 4_000, 100)]
    assert (request.queue_wait_ns, request.total_ns) == (4_000 * MS, 4_100 * MS)
