"""A task runs for as long as somebody has heard of it lately; after that it is told when that was."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from api.services.callers import ANYONE
from api.services.timeline import timeline
from throughline.ledger.record import Attempt, TaskRecord
from throughline.ledger.sign_of_life import silence
from throughline.ledger.states import Status

NOW = 1_790_000_100.0


def running(started_ago: float, seen_ago: float | None = None) -> TaskRecord:
    attempt = Attempt(1, "worker-1", 7, NOW - started_ago)
    seen_at = None if seen_ago is None else NOW - seen_ago
    return TaskRecord("t", Status.STARTED, seen_at=seen_at, attempts=(attempt,))


@pytest.mark.parametrize(
    ("record", "beat_ago", "silent"),
    [
        (running(60), 1, None),
        (running(60), 9, 9),
        (running(60, seen_ago=3), 9, None),
        (running(60, seen_ago=7), 9, 7),
        (running(2), None, None),
        (running(60), None, 60),
    ],
)
def test_the_latest_of_start_checkpoint_and_heartbeat_counts_while_it_is_fresh(record, beat_ago, silent):
    assert silence(record, None if beat_ago is None else NOW - beat_ago, NOW) == silent


def test_the_timeline_says_when_a_silent_worker_was_last_heard_of_instead_of_that_it_runs():
    now = datetime.fromtimestamp(NOW, UTC)
    record = running(60)
    assert timeline(record, Status.STARTED, None, ANYONE, now=now).now == "running on worker-1 for 60.0 s"
    silent = timeline(replace(record, silent=9.2), Status.STARTED, None, ANYONE, now=now).now
    assert silent == "last sign of life from worker-1 9 s ago: it counts as lost soon, and runs again"
