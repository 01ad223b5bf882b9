"""How a page looks things up: beside the event loop, once for all who ask, and never for ever."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from monitor.page import page_data
from monitor.page.answer_cache import AnswerCache
from monitor.page.page_data import PageData
from monitor.page.refusal import Refused
from monitor.page.traffic import Traffic
from throughline.journey import Found
from throughline.journey.elasticsearch_client import Unanswered
from throughline.profile import Profile, Window
from throughline.settings import MonitorSettings

SETTINGS = MonitorSettings(redis_url="redis://127.0.0.1:1/0", redis_timeout_seconds=0.1)


class Slow:
    """A source that answers when it is told to, or with an error."""

    where = "the files"

    def __init__(self, error: Exception | None = None) -> None:
        self.asked = 0
        self.go = threading.Event()
        self._error = error

    def find(self, correlation_id: str) -> Found:
        self.asked += 1
        self.go.wait(10)
        if self._error:
            raise self._error
        return Found([{"message": correlation_id}], [])

    def traffic(self) -> Traffic:
        raise NotImplementedError

    def profile(self, window: Window, task_type: str, *, most_bytes: int) -> Profile:
        raise NotImplementedError


def with_page_data(source: Slow, work: Callable[[PageData], Any]) -> Any:
    async def run() -> Any:
        data = PageData(SETTINGS, source)
        try:
            return await work(data)
        finally:
            source.go.set()
            await data.close()

    return asyncio.run(run())


def test_during_a_search_the_event_loop_goes_on_and_others_wait_for_the_same_answer():
    source = Slow()

    async def several_ask(data: PageData) -> int:
        asking = [asyncio.ensure_future(data.journey("A")) for _ in range(20)]
        await asyncio.sleep(0)
        done = sum(each.done() for each in asking)  # we got here: the search blocks nobody
        source.go.set()
        await asyncio.gather(*asking)
        return done

    assert with_page_data(source, several_ask) == 0
    assert source.asked == 1


def test_a_search_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(page_data, "_SEARCH_SECONDS", 0.05)

    with pytest.raises(Refused, match="the files did not answer within") as refused:
        with_page_data(Slow(), lambda data: data.journey("A"))
    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "5"})


def test_an_elasticsearch_that_is_away_is_named():
    source = Slow(Unanswered("http://es:9200 does not answer"))
    source.go.set()

    with pytest.raises(Refused, match="http://es:9200 does not answer") as refused:
        with_page_data(source, lambda data: data.journey("A"))
    assert (refused.value.status, refused.value.code) == (503, "SEARCH_UNAVAILABLE")


def test_without_redis_nothing_is_known_and_nothing_fails():
    async def ask(data: PageData) -> tuple[Any, ...]:
        known = await data.tasks(["1"]), await data.newest_tasks(["A"])
        return await data.sample(), *known, await data.correlation_of("1")

    assert with_page_data(Slow(), ask) == (None, {}, {}, "")


def test_an_answer_is_made_again_when_it_is_no_longer_fresh():
    made = []

    async def make() -> int:
        made.append(1)
        return len(made)

    async def ask() -> list[int]:
        fresh: AnswerCache[int] = AnswerCache(60)
        stale: AnswerCache[int] = AnswerCache(0)
        return [await each.get(key, make) for each in (fresh, stale) for key in ("a", "a", "b")]

    assert asyncio.run(ask()) == [1, 1, 2, 3, 4, 5]


def test_an_error_reaches_all_who_waited():
    async def make() -> int:
        raise ValueError

    async def ask() -> list[Any]:
        cache: AnswerCache[int] = AnswerCache(1)
        return await asyncio.gather(*(cache.get("a", make) for _ in range(3)), return_exceptions=True)

    assert [type(each) for each in asyncio.run(ask())] == [ValueError] * 3
