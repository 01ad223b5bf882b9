"""Maps a request's time to the cells of a line: the cell of a moment, the ticks, the blocks of a bar."""

from dataclasses import dataclass
from math import ceil
from typing import Final

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_ROUND_NS: Final = [factor * 10**power for power in range(3, 15) for factor in (1, 2, 5)]  # 1 µs to 6 days
_UNITS: Final = (("s", 10**9), ("ms", 10**6), ("µs", 10**3))


@dataclass(frozen=True)
class Scale:
    """`total_ns` nanoseconds over `cells` cells."""

    total_ns: int
    cells: int

    def cell(self, offset_ns: int) -> int:
        """The cell of the moment; the first or the last cell for a moment outside."""
        return min(max(0, int(self._position(offset_ns))), self.cells - 1)

    def ticks(self, cells_apart: int) -> list[tuple[int, str]]:
        """Round moments and their labels, at least so far apart; the first is 0."""
        apart = next((ns for ns in _ROUND_NS if self._position(ns) >= cells_apart), max(1, self.total_ns))
        return [(self.cell(ns), _label(ns)) for ns in range(0, max(1, self.total_ns), apart)]

    def shade(self, start_ns: int, end_ns: int) -> tuple[int, int]:
        """How many cells come before it, and how many it touches: at least one."""
        before = self.cell(start_ns)
        return before, min(max(1, ceil(self._position(end_ns)) - before), self.cells - before)

    def bar(self, start_ns: int, end_ns: int) -> tuple[int, str]:
        """The cells before it, and its blocks: exact to an eighth of a cell on the right, to a quarter on the left."""
        start = min(round(self._position(start_ns) * 8), self.cells * 8 - 1)
        end = min(max(round(self._position(end_ns) * 8), start + 1), self.cells * 8)
        first, skipped = divmod(start, 8)
        last, filled = divmod(end, 8)
        if first == last:
            return first, _EIGHTHS[filled - skipped] if skipped < 4 else "▕"
        # Unicode has eighths that grow from the left, but from the right only the half and one eighth.
        left = "█" if skipped < 3 else "▐" if skipped < 6 else "▕"
        return first, left + "█" * (last - first - 1) + _EIGHTHS[filled].strip()

    def _position(self, offset_ns: int) -> float:
        return offset_ns / max(1, self.total_ns) * self.cells


def _label(nanoseconds: int) -> str:
    for unit, size in _UNITS:
        if nanoseconds >= size:
            return f"{nanoseconds / size:g} {unit}"
    return "0"
