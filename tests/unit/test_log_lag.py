"""How far the searchable log lines are behind."""

from typing import Any

from monitor.plane.lag import Lag
from throughline.journey.elasticsearch_client import Unanswered


class Elasticsearch:
    """Its newest line is from `newest`; away while that is an error."""

    def __init__(self, newest: float | Unanswered | None) -> None:
        self.newest = newest

    def ask(self, method: str, path: str, body: object = None) -> Any:
        if isinstance(self.newest, Unanswered):
            raise self.newest
        milliseconds = None if self.newest is None else self.newest * 1000
        return {"aggregations": {"newest": {"value": milliseconds}}}


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_it_is_the_age_of_the_newest_line():
    clock = Clock()
    server = Elasticsearch(clock.now - 7)
    lag = Lag(server, clock)

    assert lag() == 7
    server.newest = clock.now - 2
    assert lag() == 2


def test_it_grows_while_elasticsearch_is_away_and_ends_when_lines_are_found_again():
    clock = Clock()
    server = Elasticsearch(clock.now - 2)
    lag = Lag(server, clock)
    lag()

    server.newest = Unanswered("away")
    clock.now += 60
    assert lag() == 62
    server.newest = clock.now - 1
    assert lag() == 1


def test_without_any_line_it_counts_from_its_own_start():
    clock = Clock()
    lag = Lag(Elasticsearch(None), clock)
    clock.now += 30
    assert lag() == 30


def test_a_line_from_a_clock_that_is_ahead_is_not_behind():
    clock = Clock()
    assert Lag(Elasticsearch(clock.now + 3), clock)() == 0
