"""Following log lines in Elasticsearch: each once, also those that it finds late and many of one millisecond."""

from datetime import UTC, datetime
from typing import Any

import pytest

from throughline.tail.elasticsearch import FollowedElasticsearch, recent
from throughline.tail.wanted import Wanted

BEGAN = datetime(2026, 11, 25, tzinfo=UTC)
ZERO = round(BEGAN.timestamp() * 1000)


class Index:
    """Answers as Elasticsearch does: of what it has so far, in the order of time."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []
        self.ahead: dict[str, float] = {}  # lines of hosts whose clocks are off
        self.asked: list[dict[str, Any]] = []

    def add(self, *lines: tuple[int, str]) -> None:
        self.lines += [(ZERO + at, name) for at, name in lines]

    def ask(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(body)
        begin = body["query"]["bool"]["filter"][-1]["range"]["@timestamp"]["gte"]
        newest_first = body["sort"][0]["@timestamp"]["order"] == "desc"
        found = sorted((at, name) for at, name in self.lines if at >= begin)[:: -1 if newest_first else 1]
        hits = [
            {"_id": name, "sort": [str(at)], "_source": self.source(at, name)} for at, name in found[: body["size"]]
        ]
        return {"hits": {"hits": hits}}

    def source(self, at: int, name: str) -> dict[str, Any]:
        told = datetime.fromtimestamp(at / 1000, UTC).isoformat()
        return {"message": name, "@timestamp": told} | (
            {"clock_offset_ms": self.ahead[name]} if name in self.ahead else {}
        )


def told(lines: list[dict[str, Any]]) -> list[str]:
    return [each["message"] for each in lines]


@pytest.fixture
def index() -> Index:
    return Index()


def follow(index: Index) -> FollowedElasticsearch:
    return FollowedElasticsearch(index, Wanted(), BEGAN)  # type: ignore[arg-type]


def test_each_line_is_told_once_also_one_that_is_found_late(index: Index):
    index.add((-5, "too old"), (1, "a"), (50, "b"))
    followed = follow(index)
    assert told(followed.poll()) == ["a", "b"]
    assert followed.poll() == []
    index.add((40, "late"), (60, "c"))
    assert told(followed.poll()) == ["late", "c"]
    index.add((40_000, "d"))
    assert told(followed.poll()) == ["d"]
    index.add((10_500, "29.5 s late"), (9_000, "31 s late"))
    assert told(followed.poll()) == ["29.5 s late"]


def test_what_is_told_at_once_is_in_its_true_order_whatever_hosts_clocks_show(index: Index):
    index.add((100, "first"), (50, "second"), (3100, "third"), (900, "fourth"))
    index.ahead = {"second": -100.0, "third": 2600.5}
    assert told(follow(index).poll()) == ["first", "second", "third", "fourth"]


@pytest.mark.parametrize("at", [7, None])
def test_more_than_one_answer_holds_is_told_whole(index: Index, at: int | None):
    """Also where all of them are of one millisecond: then no page of another time follows."""
    index.add(*((at or number, f"{number:05}") for number in range(3500)))

    assert told(follow(index).poll()) == [f"{number:05}" for number in range(3500)]


def test_what_was_told_is_remembered_only_for_as_long_as_it_may_be_found_again(index: Index):
    followed = follow(index)
    for minute in range(20):
        index.add(*((minute * 60_000 + number, f"{minute}-{number}") for number in range(50)))
        assert len(followed.poll()) == 50

    assert len(followed._told) == 50


def test_the_newest_lines_come_in_the_order_of_time(index: Index):
    index.add(*((number, str(number)) for number in range(10)))

    assert told(recent(index, Wanted(), BEGAN, 3)) == ["7", "8", "9"]  # type: ignore[arg-type]
