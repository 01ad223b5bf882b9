"""A running task tells how far it is and hears that it shall stop, ten times a second at most, come what may."""

import json

import pytest
import redis

from throughline.errors import TaskCancelled
from throughline.tasks.run import Progress
from worker.checkpoint import PAUSE_SECONDS, TaskCheckpoint

HALF = Progress(0.5)


class Server:
    """The ledger as a checkpoint sees it."""

    def __init__(self):
        self.told, self.cancelled, self.away = [], 0, False

    def __call__(self, call):
        self.told.append((call.keys[0], json.loads(call.args["progress"])))
        if self.away:
            raise redis.ConnectionError("away")
        return self.cancelled


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def checkpoint(server):
    """Takes progress at a time of the test's choosing."""
    now = [0.0]
    real = TaskCheckpoint(server, "t1", clock=lambda: now[0])

    def at(seconds, progress=HALF):
        now[0] = seconds
        real(progress)

    return at


def test_progress_is_written_at_most_ten_times_a_second(server, checkpoint):
    for millisecond in range(1, 1_001):
        checkpoint(millisecond / 1000)
    assert 9 <= len(server.told) <= 10


def test_progress_has_the_narrowing_interval(server, checkpoint):
    checkpoint(1.0, Progress(0.25, 983.0, (980.0, 986.0)))
    key, told = server.told[0]
    assert key == "tl:task:t1"
    assert told.pop("updated_at")
    assert told == {"fraction": 0.25, "estimate": 983.0, "interval_low": 980.0, "interval_high": 986.0}


def test_a_requested_cancellation_ends_the_calculation(server, checkpoint):
    server.cancelled = 1
    with pytest.raises(TaskCancelled):
        checkpoint(1.0)


def test_a_redis_that_is_away_fails_no_task_and_is_not_asked_for_a_while(server, checkpoint):
    server.away = True
    checkpoint(1.0)
    checkpoint(1.0 + PAUSE_SECONDS / 2)
    assert len(server.told) == 1
    server.away = False
    checkpoint(1.0 + PAUSE_SECONDS)
    assert len(server.told) == 2
