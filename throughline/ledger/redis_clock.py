"""Redis's clock seen from this host: records are by Redis's, spans and log lines by this host's own."""


class RedisClock:
    """One for each process. Where both clocks are the same, or seem to be, a moment of Redis's is the same here."""

    def __init__(self) -> None:
        self._ahead = 0.0  # how far this host's clock is ahead of Redis's

    def compare(self, asked: float, at: float, answered: float) -> None:
        """Redis said `at`, some time between these two moments of this host."""
        self._ahead = min(max(self._ahead, asked - at), answered - at)

    def here(self, at: float) -> float:
        """What this host's clock showed at that moment of Redis's."""
        return at + self._ahead
