"""Who watches a task hears of each change once, of nothing in between, and no longer than agreed."""

import asyncio

import pytest

from api.services.task_events import changes
from api.services.task_view import task_view
from throughline.ledger.stored_task import StoredTask

RECORD = {
    "task_type": "calculate_var",
    "queue": "high",
    "priority": "high",
    "correlation_id": "ABC-1",
    "submitted_at": "1790000000.1",
}


def view(status, fraction=None):
    progress = {"progress": f'{{"fraction":{fraction},"updated_at":"2026-01-01T00:00:00Z"}}'} if fraction else {}
    return task_view(StoredTask("t", RECORD | {"status": status} | progress))


def heard(*views, **limits):
    remaining = list(views)

    async def find():
        return remaining.pop(0) if len(remaining) > 1 else remaining[0]

    async def listen():
        return [task async for task in changes(find, **({"look_every": 0.0} | limits))]

    return asyncio.run(listen())


def test_each_change_of_state_and_each_step_of_progress_is_reported_once_and_nothing_follows_the_end():
    running = [view("STARTED"), view("STARTED", 0.1), view("STARTED", 0.2)]
    told = heard(view("PENDING"), view("PENDING"), *running, view("SUCCESS", 0.2))
    steps = [(task.status, task.progress and task.progress.fraction) for task in told]
    assert steps == [("PENDING", None), ("STARTED", None), ("STARTED", 0.1), ("STARTED", 0.2), ("SUCCESS", 0.2)]


@pytest.mark.parametrize("status", ["SUCCESS", "FAILURE", "REVOKED"])
def test_a_task_that_has_ended_is_reported_once(status):
    assert [task.status for task in heard(view(status))] == [status]


def test_a_quiet_stream_has_heartbeats_and_ends_in_time():
    told = heard(view("PENDING"), look_every=0.01, heartbeat=0.05, longest=0.3)
    assert told[0].status == "PENDING"
    assert told[1:] == [None] * len(told[1:])
    assert 3 <= len(told[1:]) <= 6
