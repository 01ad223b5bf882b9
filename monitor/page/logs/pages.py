"""What the page of log lines shows for the filters of its address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from monitor.page.answer_cache import AnswerCache
from monitor.page.logs.feed import LogFeed
from monitor.page.responses import rendered
from throughline.tail.told_line import ToldLine
from throughline.tail.wanted import LEVELS, Wanted

PATH: Final = "/logs"
PARAMETERS: Final = ("correlation_id", "task_id", "level", "service")
SERVICES: Final = ("nginx", "api", "worker", "monitor")
_FRESH_SECONDS: Final = 0.9


@dataclass(frozen=True)
class LogsView:
    """The page; with mistakes, there are no lines."""

    wanted: Wanted
    told: Mapping[str, str]
    mistakes: tuple[tuple[str, str], ...]
    lines: tuple[ToldLine, ...] = ()
    more: bool = False
    trouble: str = ""
    where: str = ""
    command: str = ""
    refresh_seconds: int = 0
    levels: tuple[str, ...] = LEVELS
    services: tuple[str, ...] = SERVICES

    def journey_url(self, line: ToldLine) -> str:
        return f"/journeys/{quote(line.correlation_id, safe='')}"

    def mistake(self, name: str) -> str:
        return dict(self.mistakes).get(name, "")


def address_of(told: Mapping[str, str]) -> str:
    """Without the fields that were left empty."""
    query = urlencode({name: told[name] for name in PARAMETERS if told.get(name)})
    return f"{PATH}?{query}" if query else PATH


class LogsPages:
    """One monitor's."""

    def __init__(self, feed: LogFeed) -> None:
        self._feed = feed
        self._made: AnswerCache[str] = AnswerCache(_FRESH_SECONDS)

    async def close(self) -> None:
        await self._feed.close()

    async def logs(self, told: Mapping[str, str]) -> tuple[str, int]:
        """The page and its status."""
        wanted = Wanted(**{name: told.get(name, "") for name in PARAMETERS})
        mistakes = tuple(wanted.mistakes().items())
        if mistakes:
            return rendered("logs.html", view=LogsView(wanted, told, mistakes)), 422
        return await self._made.get(address_of(told), lambda: self._page(wanted, told)), 200

    async def _page(self, wanted: Wanted, told: Mapping[str, str]) -> str:
        watch = await self._feed.watch(wanted)
        view = LogsView(
            wanted,
            told,
            (),
            tuple(watch.lines),
            more=watch.more,
            trouble=self._feed.trouble,
            where=self._feed.where,
            command=_command(told),
            refresh_seconds=1,
        )
        return rendered("logs.html", view=view)


def _command(told: Mapping[str, str]) -> str:
    """For a shell: a value that it would read otherwise is left out."""
    options = (f" --{name.replace('_', '-')} {told[name]}" for name in PARAMETERS if _is_plain(told.get(name, "")))
    return "throughline logs --follow" + "".join(options)


def _is_plain(value: str) -> bool:
    return bool(value) and all(c.isascii() and (c.isalnum() or c in "-_.:") for c in value)
