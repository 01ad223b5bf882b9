"""Queues are looked into in the order high, medium, low, whatever the order in which they were subscribed."""

from itertools import permutations

import pytest

from worker.strict_order import StrictOrder


@pytest.mark.parametrize("subscribed", list(permutations(["high", "medium", "low"])))
def test_the_order_is_that_of_priority(subscribed):
    order = StrictOrder()
    order.update(list(subscribed))
    order.rotate("high")  # as after a message from it
    assert order.consume(3) == ["high", "medium", "low"]


def test_a_queue_that_is_none_of_ours_comes_last():
    order = StrictOrder()
    order.update(["other", "low", "high"])
    assert order.consume(3) == ["high", "low", "other"]
