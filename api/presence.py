"""Tells Redis every few seconds that this replica runs, and NGINX before it, each with its version."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from api.errors import Refusal
from throughline.ledger import redis_clock
from throughline.ledger.clock_watch import ClockWatch
from throughline.ledger.deployments import BEAT_SECONDS, Instance, nginx_instance

NGINX_HEADER: Final = b"x-nginx-instance"  # `instance version`: NGINX sets it with each request, and cannot reach Redis
_MOST: Final = 64  # instances of NGINX at a time: whoever calls a replica directly says what he likes

Tell = Callable[[Sequence[Instance]], Awaitable[int]]
Look = Callable[[], Awaitable[None]]


class Presence:
    """`beat` goes on until it is cancelled."""

    def __init__(self, node: str, version: str) -> None:
        self.node = node
        self.replicas = 1  # of the api, among which NGINX spreads what comes
        self._own = Instance("api", node, version)
        self._watch = ClockWatch("api", node)
        self._nginx: set[bytes] = set()  # since the latest beat
        self._known: set[bytes] = set()
        self._is_new = asyncio.Event()

    def came_through(self, nginx: bytes) -> None:
        """A request came through this instance of NGINX, as its header says."""
        if nginx not in self._nginx and len(self._nginx) < _MOST:
            self._nginx.add(nginx)
            if nginx not in self._known:  # told at once: it may be gone before the next beat
                self._is_new.set()

    async def beat(self, tell: Tell, look: Look) -> None:
        """`look` asks Redis for its time."""
        while True:
            self._is_new.clear()
            seen, self._nginx = self._nginx, set()
            self._known = seen or self._known
            with suppress(Refusal):  # Redis is away: whoever submits a task is told so
                await look()
                self._watch.look_at(redis_clock.own)
                own = replace(self._own, clock_offset_ms=redis_clock.own.ahead_ms)
                self.replicas = max(await tell([own, *_instances(seen)]), 1)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_new.wait(), BEAT_SECONDS)


def _instances(seen: set[bytes]) -> list[Instance]:
    found = (nginx_instance(each.decode("latin-1")) for each in seen)
    return sorted(filter(None, found), key=str)
