"""What is typical of the tasks on a journey's page: kept for a while, since many are compared with the same."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from monitor.page.answer_cache import AnswerCache
from monitor.page.page_data import PageData
from monitor.page.refusal import Refused
from throughline.journey.comparison import Compare, Comparison, compare, types_of, window_around
from throughline.journey.journey import Request
from throughline.profile import Profile, Window

_KEPT_SECONDS: Final = 30
_MOST_BYTES: Final = 1024 * 1024  # of each span file: some thousands of steps
_MOST: Final = 20  # profiles that one page may need

Wanted = tuple[Window, str]


class Comparisons:
    """One monitor's."""

    def __init__(self, data: PageData) -> None:
        self._data = data
        self._profiles: AnswerCache[Profile | None] = AnswerCache(_KEPT_SECONDS)

    async def among(self, requests: Sequence[Request], now: datetime) -> Compare:
        """A comparison for these requests; there is none where what is typical cannot be told."""
        pairs = [(window_around(request, now), name) for request in requests for name in types_of(request)]
        wanted = list(dict.fromkeys(pairs))[:_MOST]
        answers = await asyncio.gather(*(self._profile(window, name) for window, name in wanted))
        known = dict(zip(wanted, answers, strict=True))

        def compared(request: Request) -> Comparison | None:
            window = window_around(request, now)
            profiles = {name: known.get((window, name)) for name in types_of(request)}
            if not profiles or None in profiles.values():
                return None
            return compare(request, {name: each for name, each in profiles.items() if each})

        return compared

    async def _profile(self, window: Window, task_type: str) -> Profile | None:
        async def look() -> Profile | None:
            try:
                return await self._data.profile(window, task_type, _MOST_BYTES)
            except Refused:
                return None  # the journey is worth showing without it

        return await self._profiles.get(f"{window.since} {task_type}", look)
