"""What the home page shows, from a sample, access lines and task records."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.page.home_view import queues_view, recent_view, traffic_view
from monitor.page.traffic import Recent, Traffic
from throughline.ledger.message import Queue
from throughline.ledger.queue_sample import Sample
from throughline.ledger.record import Attempt, TaskRecord
from throughline.ledger.states import Status

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
EMPTY = dict.fromkeys(Queue, 0)


def sample(circuit: str = "closed", **depth: int) -> Sample:
    depths = EMPTY | {Queue(name): value for name, value in depth.items()}
    ages = {queue: 90.0 if value else 0.0 for queue, value in depths.items()}
    return Sample(depths, ages, 3, ("worker-1",), circuit, {}, dict.fromkeys(Queue), {})


def seen(*recent: Recent, answered: int = 10, refused: int = 0, failed: int = 0, seconds: float = 300) -> Traffic:
    return Traffic(answered, refused, failed, seconds, recent)


def recent(status: int = 201, request: str = "POST /api/v1/tasks", ago: float = 5, took: float = 3) -> Recent:
    return Recent("A", NOW - timedelta(seconds=ago), request, status, took)


def test_queues_fill_up_to_the_depth_at_which_the_breaker_opens():
    view = queues_view(sample(high=100, low=600), 500)

    assert (view.waiting, view.in_flight, view.workers) == (700, 3, ("worker-1",))
    assert [(queue.name, queue.depth, queue.filled, queue.oldest) for queue in view.queues] == [
        ("high", 100, 20.0, "oldest 1 m 30 s"), ("medium", 0, 0.0, ""), ("low", 600, 100.0, "oldest 1 m 30 s"),
    ]  # fmt: skip


@pytest.mark.parametrize(("state", "tone"), [("closed", "good"), ("open", "bad"), ("half_open", "warn")])
def test_the_breaker_has_a_word_and_a_colour(state: str, tone: str):
    view = queues_view(sample(state), 500)

    assert (view.circuit, view.circuit_tone) == (state.replace("_", " "), tone)
    assert view.circuit_means


def test_memory_is_told_with_its_limit_and_whether_it_is_full():
    full = replace(sample(), memory_used=330 * 1024**2, memory_limit=400 * 1024**2, memory_full=True)
    assert (queues_view(full, 500).memory, queues_view(full, 500).memory_full) == ("330 of 400 MB", True)
    assert queues_view(replace(full, memory_limit=0), 500).memory == "330 MB"


@pytest.mark.parametrize(
    ("traffic", "told"),
    [
        (seen(answered=0), ("–", "good", "0 of 0 requests", "answered in the last 5 minutes", "")),
        (seen(), ("0 %", "good", "0 of 10 requests", "answered in the last 5 minutes", "")),
        (seen(failed=1, answered=1000, seconds=12),
         ("<1 %", "bad", "1 of 1,000 requests", "answered in the last 12.0 s", "")),
        (seen(refused=2), ("0 %", "good", "0 of 10 requests", "answered in the last 5 minutes", "2 refused (4xx)")),
    ],
)  # fmt: skip
def test_errors_are_shown_with_the_number_of_requests(traffic: Traffic, told: tuple[str, ...]):
    view = traffic_view(traffic)

    assert (view.rate, view.tone, view.failed, view.answered, view.refused) == told


def test_an_accepted_task_shows_its_state_and_a_refusal_its_answer():
    tasks = {"A": TaskRecord("1", Status.STARTED, "calculate_var", "high", "A")}

    (accepted,) = recent_view(seen(recent()), tasks, NOW)
    (refused,) = recent_view(seen(recent(503)), tasks, NOW)
    (unknown,) = recent_view(seen(recent(201)), {}, NOW)

    assert (accepted.what, accepted.word, accepted.tone) == ("calculate_var in high", "STARTED", "warn")
    assert (refused.what, refused.word, refused.tone) == ("POST /api/v1/tasks", "503", "bad")
    assert (unknown.what, unknown.word, unknown.tone) == ("POST /api/v1/tasks", "201", "good")


@pytest.mark.parametrize(
    ("seconds", "ago"),
    [(-1, "now"), (0.5, "now"), (1.9, "1 s ago"), (61, "1 min ago"), (7200, "2 h ago"), (200_000, "2 d ago")],
)
def test_ages_have_one_unit(seconds: float, ago: str):
    assert recent_view(seen(recent(ago=seconds)), {}, NOW)[0].ago == ago


@pytest.mark.parametrize(("took", "words"), [(0, "<1 ms"), (3, "3 ms"), (999, "999 ms"), (1500, "1.50 s")])
def test_no_answer_is_timed_more_finely_than_nginx_does(took: float, words: str):
    assert recent_view(seen(recent(took=took)), {}, NOW)[0].answered == words


def task(status: Status, *attempts: Attempt, **told: Any) -> TaskRecord:
    return TaskRecord(
        "1", status, "calculate_var", "high", "A", submitted_at=NOW.timestamp() - 20, attempts=attempts, **told
    )


def attempt(number: int, ago: float, ended: float | None = None, **told: Any) -> Attempt:
    now = NOW.timestamp()
    return Attempt(number, "worker-1", 7, now - ago, None if ended is None else now - ended, **told)


@pytest.mark.parametrize(
    ("record", "outcome", "error", "tone"),
    [
        (task(Status.SUCCESS, finished_at=NOW.timestamp() - 17.5), "done after 2.50 s", "", "good"),
        (task(Status.FAILURE, attempt(1, 19, 18, error="ValueError"), finished_at=NOW.timestamp() - 18),
         "failed after 2.00 s", "ValueError", "bad"),
        (task(Status.REVOKED, finished_at=NOW.timestamp() - 10), "cancelled after 10.0 s", "", "neutral"),
        (task(Status.STARTED, attempt(1, 12.9)), "running for 12 s", "", "warn"),
        (task(Status.STARTED, attempt(1, 12.9), silent=9.2), "last sign of life 9 s ago", "", "warn"),
        (task(Status.RETRY, attempt(1, 12, 11, error="OSError")), "waiting for attempt 2, 11 s", "", "warn"),
        (task(Status.PENDING), "waiting for 20 s", "", "warn"),
    ],
)  # fmt: skip
def test_a_recent_request_tells_what_became_of_its_task(record: TaskRecord, outcome: str, error: str, tone: str):
    (shown,) = recent_view(seen(recent()), {"A": record}, NOW)

    assert (shown.outcome, shown.error, shown.tone) == (outcome, error, tone)


def test_a_refused_request_has_no_task_to_tell_of():
    (shown,) = recent_view(seen(recent(503)), {"A": task(Status.SUCCESS, finished_at=NOW.timestamp())}, NOW)

    assert (shown.word, shown.outcome, shown.error) == ("503", "", "")


def test_the_state_of_one_of_several_tasks_says_of_how_many_it_is_the_latest():
    several = replace(recent(), submissions=60)

    (shown,) = recent_view(seen(several), {"A": task(Status.SUCCESS, finished_at=NOW.timestamp())}, NOW)

    assert shown.what == "calculate_var in high, the latest of 60"
