"""How long each phase of a chunked calculation took in all, added up over its chunks."""

from time import perf_counter


class Stopwatch:
    """`lap("draw")` books the time since the last lap (or the start) on `draw`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = perf_counter()

    def start(self) -> None:
        """Starts the next lap here; the time before it is not booked."""
        self._last = perf_counter()

    def lap(self, phase: str) -> None:
        now = perf_counter()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self._last
        self._last = now
