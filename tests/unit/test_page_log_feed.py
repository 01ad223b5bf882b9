"""The page of log lines: one reader for all who look, each line once, and nothing kept for whom has gone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from monitor.page.logs import feed as feeds
from monitor.page.logs.feed import MOST_LINES, LogFeed, Watch
from monitor.page.logs.pages import LogsPages, address_of
from monitor.page.refusal import Refused
from throughline.journey.elasticsearch_client import Unanswered
from throughline.tail.wanted import Wanted


def line(number: int, **fields: Any) -> dict[str, Any]:
    at = f"2026-11-25T14:{number // 60 % 60:02}:{number % 60:02}.{number // 3600:03}Z"
    own = {"@timestamp": at, "message": f"line {number}", "log.level": "info", "service.name": "api"}
    return own | {"service.node.name": "fastapi-1", "correlation_id": "ABC-1"} | fields


class Source:
    """Files or Elasticsearch, with what the test wants to be there."""

    where = "here"

    def __init__(self) -> None:
        self.there: list[dict[str, Any]] = []
        self.next: list[dict[str, Any]] = []
        self.looks = self.follows = self.closed = 0
        self.away = False

    def follow(self) -> "Source":
        self.follows += 1
        return self

    def new(self) -> list[dict[str, Any]]:
        self.looks += 1
        if self.away:
            raise Unanswered("http://es does not answer")
        found, self.next = self.next, []
        return found

    def close(self) -> None:
        self.closed += 1

    def recent(self, wanted: Wanted, most: int) -> list[dict[str, Any]]:
        if self.away:
            raise Unanswered("http://es does not answer")
        return [each for each in self.there if wanted.lets_through(each)][-most:]


def with_feed(source: Source, story: Callable[[LogFeed], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        feed = LogFeed(source)
        try:
            return await story(feed)
        finally:
            await feed.close()

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "_POLL_SECONDS", 0.005)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def words(watch: Watch) -> list[str]:
    return [each.words for each in watch.lines]


def test_many_viewers_of_different_filters_share_one_reader_and_see_their_own_lines():
    source = Source()
    source.there = [line(1), line(2, **{"log.level": "error"})]

    async def story(feed: LogFeed) -> tuple[Watch, Watch]:
        watches = await asyncio.gather(*(feed.watch(Wanted()) for _ in range(20)), feed.watch(Wanted(level="error")))
        source.next = [line(4, **{"log.level": "error"}), line(3)]
        await until(lambda: len(watches[0].lines) == 4)
        return watches[0], watches[-1]

    everything, errors = with_feed(source, story)
    assert words(everything) == ["line 1", "line 2", "line 3", "line 4"]
    assert words(errors) == ["line 2", "line 4"]
    assert (source.follows, source.closed) == (1, 1)


def test_a_line_that_is_there_and_also_new_is_shown_once():
    source = Source()
    source.there = source.next = [line(1), line(2)]

    async def story(feed: LogFeed) -> Watch:
        watch = await feed.watch(Wanted())
        looked = source.looks
        await until(lambda: source.looks > looked + 1)
        return watch

    assert words(with_feed(source, story)) == ["line 1", "line 2"]


def test_only_the_newest_lines_are_kept_and_it_is_said_that_there_are_more():
    watch = Watch(Wanted(), 0)
    for number in range(10 * MOST_LINES):
        watch.add(line(number))

    assert (len(watch.lines), watch.more) == (MOST_LINES, True)
    assert len(watch._known) <= 2 * MOST_LINES + 1


def test_nothing_is_read_any_more_once_nobody_looks(monkeypatch: pytest.MonkeyPatch):
    source = Source()
    monkeypatch.setattr(feeds, "_LEFT_SECONDS", -1.0)

    async def story(feed: LogFeed) -> None:
        await feed.watch(Wanted())
        await until(lambda: source.closed)
        looked = source.looks
        await asyncio.sleep(0.05)
        assert source.looks == looked
        await feed.watch(Wanted())
        assert source.follows == 2

    with_feed(source, story)


def test_there_is_a_limit_to_what_is_looked_at_at_a_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(feeds, "MOST_WATCHES", 3)

    async def story(feed: LogFeed) -> None:
        for number in range(3):
            await feed.watch(Wanted(correlation_id=f"A-{number}"))
        with pytest.raises(Refused, match="retry later"):
            await feed.watch(Wanted(correlation_id="B"))
        await feed.watch(Wanted(correlation_id="A-1"))

    with_feed(Source(), story)


def test_while_elasticsearch_is_away_the_page_says_so_and_goes_on_afterwards():
    source = Source()
    source.there = [line(1)]

    async def story(feed: LogFeed) -> None:
        watch = await feed.watch(Wanted())
        source.away = True
        await until(lambda: feed.trouble)
        assert feed.trouble == "http://es does not answer. Trying again."
        with pytest.raises(Refused, match="does not answer"):
            await feed.watch(Wanted(level="error"))
        source.away, source.next = False, [line(2)]
        await until(lambda: len(watch.lines) == 2 and not feed.trouble)
        await feed.watch(Wanted(level="error"))

    with_feed(source, story)


def shown(source: Source, **told: str) -> tuple[str, int]:
    found: tuple[str, int] = with_feed(source, lambda feed: LogsPages(feed).logs(told_with(told)))
    return found


def told_with(told: dict[str, str]) -> dict[str, str]:
    return {"correlation_id": "", "task_id": "", "level": "", "service": ""} | told


def test_what_is_in_a_line_is_only_ever_text_on_the_page():
    source = Source()
    evil = "<script>alert(1)</script>"
    source.there = [line(1, message=evil, correlation_id='"><b>', **{"error.message": evil, "service.name": "x y"})]
    html, status = shown(source)

    assert status == 200
    assert (evil in html, "<b>" in html) == (False, False)
    assert html.count("&lt;script&gt;alert(1)") == 2


@pytest.mark.parametrize(
    ("told", "says"),
    [({"level": "<loud>"}, "must be one of debug, info"), ({"correlation_id": "a b"}, "must be 1 to 128 letters")],
)
def test_a_filter_that_makes_no_sense_is_named(told: dict[str, str], says: str):
    html, status = shown(Source(), **told)

    assert (status, says in html, "<loud>" in html) == (422, True, False)


def test_the_page_tells_the_command_with_the_same_filters_and_links_to_the_journey():
    html, _ = shown(Source(), correlation_id="ABC-1", level="warning", service="$(reboot)")

    assert "throughline logs --follow --correlation-id ABC-1 --level warning<" in html
    assert 'href="/journeys/ABC-1"' in html


def test_an_address_names_only_what_was_asked_for():
    assert address_of(told_with({})) == "/logs"
    assert address_of(told_with({"level": "error"})) == "/logs?level=error"
