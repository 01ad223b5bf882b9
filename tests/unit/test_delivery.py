"""What a message's headers say, whoever sent it: made IDs are the same at each delivery, odd values are absent."""

import time

import pytest

from throughline.telemetry import correlation
from worker.delivery import Delivery

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_headers_that_are_what_they_should_be_are_kept():
    now = time.time()
    sent = {"id": "t-1", "task": "word_count", "correlation_id": "ABC-1", "traceparent": TRACEPARENT}
    delivery = Delivery.of({**sent, "published_at": now, "envelope": 1}, "high")
    assert (delivery.correlation_id, delivery.traceparent, delivery.published_at) == ("ABC-1", TRACEPARENT, now)
    assert (delivery.trace_id, delivery.queue, delivery.is_recorded) == (TRACEPARENT[3:35], "high", True)
    assert (
        Delivery.of({**delivery.headers(), "id": "t-1", "task": "word_count"}, "high").headers() == delivery.headers()
    )


def test_a_made_id_is_the_same_at_each_delivery_and_in_all_of_a_canvas():
    first, again = (Delivery.of({"id": "t-1", "task": "a"}, "low") for _ in range(2))
    assert (first.correlation_id, first.trace_id) == (again.correlation_id, again.trace_id)
    assert correlation.is_valid(first.correlation_id)
    following = Delivery.of({"id": "t-2", "task": "b", "root_id": "t-1"}, "low")
    assert (following.correlation_id, following.trace_id) == (first.correlation_id, first.trace_id)
    assert Delivery.of({"id": "t-3", "task": "b"}, "low").correlation_id != first.correlation_id


def test_a_sampler_of_a_half_takes_about_half_of_the_made_trace_ids():
    """It compares the lower half of the ID with its share of 2^64."""
    made = [Delivery.of({"id": f"t-{number}", "task": "a"}, "low").trace_id for number in range(1_000)]
    assert 400 < sum(int(trace_id[16:], 16) < 2**63 for trace_id in made) < 600


ODD = [None, True, 5, -1e30, float("nan"), float("inf"), 10**400, "", "x" * 10_000, b"x", [], ["a"], {}, {"a": 1}, 0]


@pytest.mark.parametrize("name", ["correlation_id", "traceparent", "published_at", "root_id", "parent_id"])
@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:20])
def test_no_header_can_be_odd_enough_to_break_it(name, value):
    delivery = Delivery.of({"id": "t-1", "task": "a", name: value}, "low")
    assert correlation.is_valid(delivery.correlation_id)
    assert len(delivery.trace_id) == 32
    assert delivery.traceparent == ""
    assert delivery.published_at is None


@pytest.mark.parametrize("queue", [None, 5, "", ["low"]])
def test_a_queue_that_is_none_is_recorded_as_the_default(queue):
    assert Delivery.of({"id": "t-1", "task": "a"}, queue).record()["queue"] == "medium"


def test_celerys_own_retry_is_no_child_of_its_task():
    assert Delivery.of({"id": "t-1", "task": "x", "parent_id": "t-1"}, "high").parent_id == ""
    assert Delivery.of({"id": "t-1", "task": "x", "parent_id": "t-0"}, "high").parent_id == "t-0"


def test_half_a_character_which_can_be_written_nowhere_is_a_question_mark():
    delivery = Delivery.of(
        {"id": "t-\ud800", "task": "a\ud800b", "root_id": "\udfff", "parent_id": "p\ud800"}, "l\ud800w"
    )
    assert (delivery.task_id, delivery.task_type, delivery.parent_id) == ("t-?", "a?b", "p?")
    assert correlation.is_valid(delivery.correlation_id)
