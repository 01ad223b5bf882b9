"""Parent and children: several tasks of one request, each below the run of the task that submitted it."""

from typing import Any

import pytest

from tests.unit.test_journey_sample import ID, Sample, Task, journey, only_request
from throughline.journey import is_complete, to_dict
from throughline.journey.journey import Request

MS = 10**6


def submit_child(sample: Sample, parent: Task, at_ms: int, *, names_itself: bool = True, run: int = 0) -> Task:
    """Published within a run of the parent; its span carries the child's ID or, as any span in a run, the parent's."""
    ids = [sample.new_id() for _ in range(3)]
    child = Task(parent.trace, f"child-{ids[0]}", 0, 0, *ids)
    of_task: dict[str, Any] = {"correlation_id": ID, "task_id": child.task_id if names_itself else parent.task_id}
    if names_itself:
        of_task |= {"parent_id": parent.task_id, "queue_position": 1}
    where = (parent.trace, child.publish, run or parent.run)
    sample.span("publish low", at_ms, at_ms + 1, where, **of_task, queue="low", node="worker-2", service="worker")
    return child


def run_child(
    sample: Sample, child: Task, start_ms: int, end_ms: int, parent: Task | None = None, **attributes: Any
) -> None:
    """`parent`: named by the spans; else only the trace shows it."""
    of_task = {"correlation_id": ID, "task_id": child.task_id} | ({"parent_id": parent.task_id} if parent else {})
    since = attributes.pop("since", start_ms - 5)
    wait, run = attributes.pop("ids", (child.wait, child.run))
    outcome: dict[str, Any] = {"task_type": "word_count", "attempt": 1, "status": "SUCCESS"} | attributes
    sample.span("wait low", since, start_ms, (child.trace, wait, child.publish), **of_task, queue="low")
    sample.span("run word_count", start_ms, end_ms, (child.trace, run, wait), **of_task, **outcome)


def rows(request: Request) -> list[tuple[str, int]]:
    return [(step.what, step.depth) for step in request.steps[3:]]


@pytest.mark.parametrize("names_itself", [True, False])
@pytest.mark.parametrize("names_parent", [True, False])
def test_children_stand_below_the_run_of_their_parent(sample: Sample, names_itself: bool, names_parent: bool):
    parent = sample.complete(ID)
    one, two = (submit_child(sample, parent, at, names_itself=names_itself) for at in (30, 40))
    run_child(sample, one, 50, 70, parent if names_parent else None, since=31)
    run_child(sample, two, 60, 300, parent if names_parent else None, since=41)

    request = only_request(sample)

    assert [step.what for step in request.steps[3:6]] == [
        "waited in high",
        "ran calculate_var → SUCCESS",
        "simulate 100,000 scenarios",
    ]
    assert rows(request)[-4:] == [
        ("waited in low", 1),
        ("ran word_count → SUCCESS", 1),
        ("waited in low", 1),
        ("ran word_count → SUCCESS", 1),
    ]
    assert [(task.task_id, task.parent_id) for task in request.tasks] == [
        (parent.task_id, ""),
        (one.task_id, parent.task_id),
        (two.task_id, parent.task_id),
    ]
    assert request.total_ns == 300 * MS
    assert to_dict(journey(sample))["tasks"] == 3
    assert is_complete(journey(sample))


def test_a_child_of_a_child_and_a_chain_that_goes_on_after_its_parents_end(sample: Sample):
    parent = sample.complete(ID)
    child = submit_child(sample, parent, 30)
    run_child(sample, child, 200, 220, parent, since=31)
    grandchild = submit_child(sample, child, 210, run=child.run)
    run_child(sample, grandchild, 400, 420, child, since=211)

    request = only_request(sample)

    assert rows(request)[-2:] == [("waited in low", 2), ("ran word_count → SUCCESS", 2)]
    assert [task.parent_id for task in request.tasks] == ["", parent.task_id, child.task_id]


def test_a_child_whose_trace_was_lost_belongs_to_its_parents_request(sample: Sample):
    parent = sample.complete(ID)
    stray = Task(4242, "child-1", 0, 0, 0, 8001, 8002)
    run_child(sample, stray, 200, 220, parent)

    request = only_request(sample)

    assert [task.task_id for task in request.tasks] == [parent.task_id, "child-1"]
    assert rows(request)[-1] == ("ran word_count → SUCCESS", 1)


def test_the_child_of_a_process_that_was_killed_stands_below_the_lost_run(sample: Sample):
    parent = sample.submission(ID)
    killed = 7777  # the run span of the killed process was never written; the next attempt's process wrote one for it
    child = submit_child(sample, parent, 30, run=killed)
    run_child(sample, child, 50, 70, parent, since=31)
    lost = {"worker": "worker-1", "cause": "lost with process 7 of worker-1"}
    sample.run(parent, ID, 10, 60, status="RETRY", ids=(parent.wait, 999), **lost)
    sample.run(parent, ID, 90, 100, attempt=2, ids=(1001, 1002), published=60)

    request = only_request(sample)

    assert rows(request) == [
        ("waited in high", 0),
        ("ran calculate_var: lost with process 7 of worker-1", 0),
        ("submitted word_count into low at position 1", 1),
        ("waited in low", 1),
        ("ran word_count → SUCCESS", 1),
        ("waited in high for attempt 2", 0),
        ("ran calculate_var → SUCCESS, attempt 2", 0),
    ]


def test_a_child_whose_own_process_was_killed_runs_again_below_its_parent(sample: Sample):
    parent = sample.complete(ID)
    child = submit_child(sample, parent, 30)
    lost: dict[str, Any] = {
        "worker": "worker-1",
        "cause": "lost with worker-1",
        "status": "RETRY",
        "ids": (child.wait, 555),
    }
    run_child(sample, child, 50, 70, parent, since=31, **lost)
    run_child(sample, child, 90, 100, parent, since=70, attempt=2, ids=(556, 557))

    assert rows(only_request(sample))[-4:] == [
        ("waited in low", 1),
        ("ran word_count: lost with worker-1", 1),
        ("waited in low for attempt 2", 1),
        ("ran word_count → SUCCESS, attempt 2", 1),
    ]
    assert len(only_request(sample).tasks) == 2


def test_a_journey_is_not_complete_while_a_child_has_not_ended(sample: Sample):
    parent = sample.complete(ID)
    child = submit_child(sample, parent, 30)

    request = only_request(sample)

    assert [(task.task_id, task.status) for task in request.tasks] == [
        (parent.task_id, "SUCCESS"),
        (child.task_id, "PENDING"),
    ]
    assert (request.status, request.has_ended) == ("SUCCESS", False)
    assert not is_complete(journey(sample))


def test_a_child_that_only_lines_tell_of_is_a_task_of_the_request(sample: Sample):
    parent = sample.complete(ID)
    fields = {"task_id": "child-1", "parent_id": parent.task_id, "task_type": "word_count", "queue": "low"}
    sample.log(30, "Submitted", correlation_id=ID, **fields, status="PENDING", **{"event.action": "task.submitted"})
    sample.log(80, "Cancelled", correlation_id=ID, **fields, status="REVOKED", **{"event.action": "task.cancelled"})

    request = only_request(sample)

    assert [(task.task_id, task.parent_id, task.status) for task in request.tasks][1:] == [
        ("child-1", parent.task_id, "REVOKED")
    ]
    assert rows(request)[-2:] == [("waited in low", 1), ("cancelled", 1)]


def test_what_a_second_attempt_submits_again_is_no_task_of_its_own(sample: Sample):
    parent = sample.complete(ID)
    ids = {"correlation_id": ID, "task_id": "names-nothing", "parent_id": parent.task_id}
    sample.span(
        "publish low", 30, 31, (parent.trace, sample.new_id(), parent.run), **ids, queue="low", service="worker"
    )

    assert len(only_request(sample).tasks) == 1
    assert rows(only_request(sample))[-1] == ("submitted into low", 1)


def test_the_journey_of_a_child_is_that_of_its_request(sample: Sample):
    parent = sample.complete(ID)
    child = submit_child(sample, parent, 30)
    run_child(sample, child, 50, 70, parent)
    sample.complete(ID, 1000)

    (request,) = journey(sample).of_task(child.task_id).requests

    assert request.task_id == parent.task_id


def test_the_waits_and_runs_of_a_child_are_not_its_parents(sample: Sample):
    parent = sample.complete(ID)
    child = submit_child(sample, parent, 30)
    run_child(sample, child, 200, 220, parent, since=31)

    request = only_request(sample)

    assert [(task.queue_wait_ns / MS, task.run_ns / MS) for task in request.tasks] == [(7, 100), (169, 20)]
    # While the parent ran its child waited: the request ran then.
    assert (request.queue_wait_ns, request.run_ns, request.rest_ns) == (97 * MS, 120 * MS, 3 * MS)


def test_tasks_that_name_each_other_as_parents_are_each_shown_once(sample: Sample):
    one, two = (Task(n, f"task-{n}", 0, 0, 0, n * 100, n * 100 + 1) for n in (1, 2))
    run_child(sample, one, 10, 20, two)
    run_child(sample, two, 30, 40, one)

    request = only_request(sample)

    assert sorted(task.task_id for task in request.tasks) == ["task-1", "task-2"]
    assert len(request.steps) == 4


def test_a_chain_of_five_hundred_tasks_is_drawn(sample: Sample):
    parent = sample.complete(ID)
    for at in range(500):
        child = submit_child(sample, parent, 200 + at * 10)
        run_child(sample, child, 207 + at * 10, 209 + at * 10, parent)
        parent = child

    request = only_request(sample)

    assert len(request.tasks) == 501
    assert request.steps[-1].depth == 500
