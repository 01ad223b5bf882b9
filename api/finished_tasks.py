"""Notifies requests that wait for a task when it has ended: one connection for all of a replica's waiting requests."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from throughline.ledger import keys
from throughline.settings import ApiSettings

_PAUSE_SECONDS: Final = 0.5  # before listening again to a Redis that went away


class FinishedTasks:
    """Listens from the first waiting request on. A notice can be lost, so a waiting request also looks by itself."""

    def __init__(self, settings: ApiSettings) -> None:
        self._settings = settings
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._listening: asyncio.Task[None] | None = None

    @contextmanager
    def notice(self, task_id: str) -> Iterator[asyncio.Event]:
        """An event that is set when the task ends, from now on."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        event = asyncio.Event()
        self._waiting[task_id].add(event)
        try:
            yield event
        finally:
            self._waiting[task_id].discard(event)
            if not self._waiting[task_id]:
                del self._waiting[task_id]

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening

    async def _listen(self) -> None:
        while True:
            with suppress(RedisError, OSError):
                await self._hear_until_it_fails()
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _hear_until_it_fails(self) -> None:
        url, timeout = self._settings.redis_url, self._settings.redis_timeout_seconds
        keepalive: dict[str, Any] = {} if url.startswith("unix://") else {"socket_keepalive": True}
        async with (
            Redis.from_url(
                url,
                decode_responses=True,
                socket_connect_timeout=timeout,
                health_check_interval=5,
                **keepalive,
            ) as redis,
            redis.pubsub(ignore_subscribe_messages=True) as channel,
        ):
            await channel.subscribe(keys.FINISHED)
            while True:
                message = await channel.get_message(timeout=1)
                if message is not None:
                    for event in self._waiting.get(message["data"], ()):
                        event.set()
