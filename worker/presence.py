"""Tells Redis every few seconds that this worker runs, its version and its clock, in the thread of its heartbeat."""

import time
from dataclasses import replace

from throughline.ledger import deployments, redis_clock
from throughline.ledger.deployments import BEAT_SECONDS, Instance
from throughline.ledger.script import Ledger


class Presence:
    """`tell` raises `RedisError` or `OSError` when Redis is away; the next call tries again."""

    def __init__(self, ledger: Ledger, node: str, version: str) -> None:
        self._ledger, self._own = ledger, Instance("worker", node, version)
        self._due = 0.0

    def tell(self) -> None:
        if time.monotonic() >= self._due:
            own = replace(self._own, clock_offset_ms=redis_clock.own.ahead_ms)
            self._ledger(deployments.present([own]))
            self._due = time.monotonic() + BEAT_SECONDS
