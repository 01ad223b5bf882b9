"""The replicas of the API by their own signs of life: one that falls silent is drawn for two minutes yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

DOWN_SECONDS: Final = 12.0  # each says every five seconds that it runs
_DRAWN_SECONDS: Final = 120.0  # pods come and go: those that are gone for longer are no longer drawn


@dataclass(frozen=True)
class Replica:
    """One replica, and when it was last heard of."""

    name: str
    version: str
    last_seen_at: float

    def is_down(self, now: float) -> bool:
        return now - self.last_seen_at > DOWN_SECONDS


class Replicas:
    """Remembers those that the ledger has forgotten since."""

    def __init__(self) -> None:
        self._known: dict[str, Replica] = {}

    def update(self, told: Mapping[str, str], now: float) -> tuple[Replica, ...]:
        """From the ledger's hash: `service instance` → version, since when, when last heard of."""
        for key, value in told.items():
            service, _, name = key.partition(" ")
            parts = value.split()
            if service == "api" and len(parts) >= 3:
                self._known[name] = Replica(name, parts[0], float(parts[2]))
        self._known = {name: each for name, each in self._known.items() if now - each.last_seen_at <= _DRAWN_SECONDS}
        return tuple(self._known[name] for name in sorted(self._known))
