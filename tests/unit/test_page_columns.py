"""A list is sorted by what its columns show, all of it, and says by which."""

import pytest

from monitor.page.columns import Column, Order, heads, order_of

COLUMNS = (Column("Task", "number"), Column("Took", "took", "end", falls=True), Column("Shares"))
DEFAULT = Order("number", falls=False)


def told(order: str) -> list[tuple[str, str, str]]:
    return [(head.words, head.url, head.sort) for head in heads(COLUMNS, order_of(order, COLUMNS, DEFAULT), str)]


@pytest.mark.parametrize("order", ["", "number", "colour-up", "took-sideways", "Shares-up", "-up", "number-up"])
def test_what_names_no_order_is_the_default_one_and_it_is_seen(order: str):
    assert told(order) == [("Task", "number-down", "ascending"), ("Took", "took-down", ""), ("Shares", "", "")]


def test_the_column_that_it_is_sorted_by_leads_to_the_opposite_order():
    assert told("took-down") == [("Task", "number-up", ""), ("Took", "took-up", "descending"), ("Shares", "", "")]
