"""How far NGINX's clock is ahead of Redis's: NGINX cannot ask Redis for its time, so the monitor asks it for its own.

As of Redis's (throughline/ledger/redis_clock.py), question and answer bound how far that is ahead of this host's, and
how far this host's is ahead of Redis's is known. A request that NGINX passes on would tell one bound alone: it may have
waited before a replica read it, and a clock that is right would seem to be behind.
"""

import time
from dataclasses import replace
from typing import Any, Final

import httpx
import orjson

from throughline.budgets import PROOF_HEADER
from throughline.client.address import checked_url
from throughline.ledger import redis_clock
from throughline.ledger.clock_watch import ClockWatch
from throughline.ledger.deployments import Instance, nginx_instance
from throughline.ledger.redis_clock import Bounds
from throughline.settings import MonitorSettings

_PATH: Final = "/.clock"
_LOOKS: Final = 4  # each on a connection of its own: behind one address there may be several
_SECONDS: Final = 2.0
_TICK: Final = 0.001  # NGINX's clock shows whole milliseconds, rounded down
_STRANGE_SECONDS: Final = 60.0  # after an answer that is no time: an NGINX of an earlier version, or another secret
_MOST: Final = 64  # instances that are remembered


class _Clock:
    """Of one instance."""

    def __init__(self, node: str) -> None:
        self._watch = ClockWatch("nginx", node)
        self._of_this_host = Bounds()

    def shows(self, at: float, asked: float, answered: float) -> None:
        """It did so at some time between these two of this host."""
        low, high = at - max(asked, answered), at + _TICK - asked
        self._of_this_host = self._of_this_host.narrowed(low, high, time.monotonic())

    def ahead_of_redis(self) -> float:
        """In seconds; tells when that comes to be too much."""
        known = self._of_this_host.plus(redis_clock.own.bounds)
        self._watch.look_at(known)
        return known.ahead


class NginxClocks:
    """`look()` again and again, each time just after a look at Redis's; `close()` at the end."""

    def __init__(self, settings: MonitorSettings) -> None:
        url = checked_url(settings.api_url)
        # Not a client of httpx, which would log each question.
        self._transport = httpx.AsyncHTTPTransport(verify=url.startswith("https:"))
        headers = {"Connection": "close", PROOF_HEADER: settings.nginx_secret}
        limits = httpx.Timeout(_SECONDS).as_dict()
        self._question = httpx.Request("GET", url + _PATH, headers=headers, extensions={"timeout": limits})
        self._clocks: dict[str, _Clock] = {}  # by node, the latest heard of last
        self._due = 0.0

    async def close(self) -> None:
        await self._transport.aclose()

    async def look(self) -> list[Instance]:
        """Those that have answered."""
        found: dict[str, Instance] = {}
        for _ in range(_LOOKS if time.monotonic() >= self._due else 0):
            one = await self._ask()
            if one is None:
                break
            found[one.node] = one
        return [replace(one, clock_offset_ms=self._clocks[node].ahead_of_redis() * 1000) for node, one in found.items()]

    async def _ask(self) -> Instance | None:
        asked = time.time()
        try:
            answer = await self._transport.handle_async_request(self._question)
            text = await answer.aread()
        except httpx.HTTPError:
            return None
        answered = time.time()
        try:
            one, at = _told(orjson.loads(text))
        except (ValueError, TypeError, KeyError):
            self._due = time.monotonic() + _STRANGE_SECONDS
            return None
        self._of(one.node).shows(at, asked, answered)
        return one

    def _of(self, node: str) -> _Clock:
        clock = self._clocks[node] = self._clocks.pop(node) if node in self._clocks else _Clock(node)
        if len(self._clocks) > _MOST:
            del self._clocks[next(iter(self._clocks))]
        return clock


def _told(answer: Any) -> tuple[Instance, float]:
    if one := nginx_instance(str(answer["instance"])):
        return one, float(answer["at"])
    raise ValueError(answer)
