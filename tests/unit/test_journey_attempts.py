"""What became of a task: several attempts, one that failed or was killed, one that waits or still runs."""

from tests.unit.test_journey_sample import ID, Sample, only_request

MS = 10**6


def test_a_second_attempt_waits_from_the_end_of_the_first(sample: Sample):
    task = sample.submission(ID)
    sample.run(task, ID, 10, 50, status="RETRY", **{"error.type": "ConnectionError"})
    sample.run(task, ID, 90, 100, attempt=2, ids=(1001, 1002))

    request = only_request(sample)

    assert [(step.name, step.depth, step.offset_ns / MS, step.duration_ns / MS) for step in request.steps[3:]] == [
        ("wait high", 0, 3, 7),
        ("run calculate_var", 0, 10, 40),
        ("wait high", 0, 50, 40),
        ("run calculate_var", 0, 90, 10),
    ]
    assert [step.what for step in request.steps[3:]] == [
        "waited in high",
        "ran calculate_var → RETRY: ConnectionError",
        "waited in high for attempt 2",
        "ran calculate_var → SUCCESS, attempt 2",
    ]
    assert [step.failed for step in request.steps[3:]] == [False, True, False, False]
    assert request.status == "SUCCESS"
    assert (request.queue_wait_ns, request.run_ns) == (47 * MS, 50 * MS)


def test_an_attempt_that_was_lost_with_its_process_is_told_by_the_next_one_and_keeps_what_it_wrote(sample: Sample):
    task = sample.submission(ID)
    first, second = {"ids": (task.wait, 999)}, {"ids": (1001, 1002), "published": 60}
    lost = {"worker": "worker-1", "cause": "lost with process 7 of worker-1"}
    sample.run(task, ID, 10, 60, status="RETRY", **first, **lost)
    sample.phase("validate", 11, 12, task, ID)  # its parent, the run span of the lost process, was never written
    sample.run(task, ID, 90, 100, attempt=2, **second)

    request = only_request(sample)

    assert [(step.what, step.node, step.offset_ns / MS) for step in request.steps[3:]] == [
        ("waited in high", "worker-2", 3),
        ("ran calculate_var: lost with process 7 of worker-1", "worker-1", 10),
        ("validate", "worker-2", 11),
        ("waited in high for attempt 2", "worker-2", 60),
        ("ran calculate_var → SUCCESS, attempt 2", "worker-2", 90),
    ]
    assert [step.failed for step in request.steps[3:]] == [False, True, False, False, False]
    assert request.status == "SUCCESS"
    assert (request.queue_wait_ns, request.run_ns) == (37 * MS, 60 * MS)


def test_between_two_attempts_the_task_will_run_again(sample: Sample):
    task = sample.submission(ID)
    sample.run(task, ID, 10, 50, status="RETRY", **{"error.type": "ConnectionError"})

    assert only_request(sample).status == "RETRY"
    assert only_request(sample).note == "It waits for attempt 2."


def test_a_failed_run_is_marked_with_its_error(sample: Sample):
    task = sample.submission(ID)
    sample.run(task, ID, 10, 20, status="FAILURE", **{"error.type": "InvalidTaskData"})

    assert only_request(sample).status == "FAILURE"
    assert only_request(sample).steps[-1].what == "ran calculate_var → FAILURE: InvalidTaskData"
    assert only_request(sample).steps[-1].failed


def test_a_run_whose_process_was_killed_is_known_from_the_log(sample: Sample):
    task = sample.submission(ID)
    event = {"event.action": "task.failed", "status": "FAILURE", "task_type": "calculate_var"}
    sample.log(120_000, "calculate_var failed", correlation_id=ID, task_id=task.task_id, **event)

    request = only_request(sample)

    assert (request.status, request.task_type) == ("FAILURE", "calculate_var")
    assert request.note == "Nothing is recorded of its run: its process was killed, or it never started."


def test_a_task_that_waits_is_known_to_be_accepted(sample: Sample):
    sample.submission(ID)

    assert only_request(sample).status == "PENDING"
    assert only_request(sample).note == "Not started yet: it waits in high."


def test_a_task_that_runs_is_shown_with_what_it_has_done_so_far(sample: Sample):
    task = sample.submission(ID)
    of_task = {"correlation_id": ID, "task_id": task.task_id}
    sample.span("wait high", 3, 10, (task.trace, task.wait, task.publish), **of_task, queue="high")
    sample.phase("validate", 11, 12, task, ID)
    sample.log(1, "Accepted", correlation_id=ID, task_id=task.task_id, status="PENDING")

    request = only_request(sample)

    assert [step.name for step in request.steps] == ["nginx", "api", "publish high", "wait high", "validate"]
    assert request.status == "STARTED"
    assert request.note == "It is running on worker-2."
