"""The monitor's rounds for the history: as fast as tasks end, with patience while the history or Redis is away."""

import asyncio
import logging
import random
from typing import Final

from redis.exceptions import RedisError

from monitor.archive import Archive
from throughline.ledger import redis_clock
from throughline.ledger.history import HistoryUnavailable, HistoryWrong
from throughline.telemetry.logging import event

_logger: Final = logging.getLogger("throughline.monitor")

AWAY: Final = (HistoryUnavailable, HistoryWrong)
_REST_SECONDS: Final = 1.0  # when there is nothing left to copy
_LONGEST_PAUSE_SECONDS: Final = 5.0
_PRUNE_EVERY_SECONDS: Final = 30.0


class ArchiveRounds:
    """Each of its two rounds goes on until it is cancelled, whatever happens."""

    def __init__(self, archive: Archive, result_ttl_seconds: float, most_bytes: int) -> None:
        self._archive = archive
        self._ttl = result_ttl_seconds
        self._most_bytes = most_bytes
        self._failures = 0

    async def move(self) -> None:
        """Copies what has ended, and forgets what has been copied long enough ago."""
        while True:
            pause = await self._seconds_until_next()
            await asyncio.sleep(pause)

    async def prune(self) -> None:
        """Drops what is older than results are kept. No two monitors do so in the same moment for long."""
        while True:
            await asyncio.sleep(_PRUNE_EVERY_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            try:
                await self._archive.prune(redis_clock.own.now() - self._ttl)
                self._tell_shortened(await self._archive.shorten(self._most_bytes))
                await self._archive.count_dead_letters()
            except AWAY:
                continue  # the other round tells
            except Exception:
                _logger.exception("The history could not be pruned")

    async def _move_once(self) -> float:
        try:
            left = await self._archive.copy()
        except AWAY as error:
            self._tell_away(error)
            await self._archive.forget(only_if_scarce=True)
            return self._pause()
        if self._failures:
            event("history.available", "The history answers again: what has ended meanwhile is copied now")
            self._failures = 0
        await self._archive.forget()
        return 0 if left > 0 else _REST_SECONDS

    async def _seconds_until_next(self) -> float:
        try:
            return await self._move_once()
        except (RedisError, OSError):
            return _REST_SECONDS  # the round that samples tells that Redis is away
        except Exception:
            _logger.exception("A round of archiving failed")
            return _LONGEST_PAUSE_SECONDS

    def _tell_shortened(self, dropped: int) -> None:
        if dropped:
            most = f"{self._most_bytes // 10**6} MB (HISTORY_MAX_MB)"
            text = f"Dropped the {dropped} oldest tasks before their time: the history's file may have {most}"
            event("history.shortened", text, {"history.dropped": dropped})

    def _tell_away(self, error: Exception) -> None:
        if not self._failures:  # once per outage
            text = f"The history does not answer, ended tasks stay in Redis: {error}"
            event("history.unavailable", text, {"error.message": str(error)})

    def _pause(self) -> float:
        self._failures += 1
        return min(_LONGEST_PAUSE_SECONDS, 0.5 * 2.0 ** min(self._failures - 1, 4))
