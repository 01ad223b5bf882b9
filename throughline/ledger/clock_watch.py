"""Tells of a host's clock that is off: once when it comes to be so, and once when it is right again."""

from throughline.ledger.redis_clock import LIMIT_SECONDS, Bounds, RedisClock, in_words
from throughline.telemetry.logging import event


class ClockWatch:
    """Watches the clock of one process instance."""

    def __init__(self, service: str, node: str) -> None:
        self._service, self._node = service, node
        self._is_off = False

    def look_at(self, clock: RedisClock | Bounds) -> None:
        """After each look at it. It is off when that is sure: a slow answer leaves both possible."""
        ahead = clock.ahead
        if clock.is_off and not self._is_off:
            self._is_off = True
            self._tell("clock.off", f"The clock of {self._node} is {in_words(ahead)}", ahead)
        elif self._is_off and abs(ahead) <= LIMIT_SECONDS:
            self._is_off = False
            self._tell("clock.right", f"The clock of {self._node} is right again", ahead)

    def _tell(self, action: str, words: str, ahead: float) -> None:
        fields = {"clock.service": self._service, "clock.node": self._node, "clock.ahead_ms": round(ahead * 1000, 3)}
        event(action, words, fields)
