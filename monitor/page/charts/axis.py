"""An axis: from numbers to pixels, with ticks at round numbers and their words."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

_SIZES: Final = ((1e12, " tn"), (1e9, " bn"), (1e6, " m"))
_SAME: Final = 1e-12  # of the larger of two numbers: nearer to each other, they are one to a picture


@dataclass(frozen=True)
class Axis:
    """From `low` at pixel `start` to `high` at pixel `end`."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(
        cls, values: Iterable[float], start: float, end: float, *, zero: bool = False, room: float = 0.0
    ) -> "Axis":
        """Over all the values, and 0 where asked for; with room (a share of the span) at both ends."""
        kept = [*values, *([0.0] if zero else [])]
        low, high = min(kept, default=0.0), max(kept, default=1.0)
        if high - low <= _SAME * max(abs(low), abs(high)):
            half = abs(high) / 2 or 0.5
            return cls(low - half, high + half, start, end)
        more = room * (high - low)
        return cls(low - more if low else low, high + more if high else high, start, end)

    def at(self, value: float) -> float:
        """Its pixel; the nearer end for what lies beyond."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * min(1.0, max(0.0, share))

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """At most so many, as pixel and words."""
        span = self.high - self.low
        step = _round_up(span / max(1, most))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        values = [number * step for number in range(first, last + 1)]
        digits = _digits(values, step)
        return [(self.at(value), told(value, digits)) for value in values]


def told(value: float, digits: int = 4) -> str:
    """`−1,234`, `0.0125`, `12.5 m`, `1.2e-300`: with so many digits."""
    size = abs(value)
    if size < 1e-320:
        return "0"
    if not 1e-4 <= size < 1e15:
        mantissa, _, exponent = f"{size:.{max(0, digits - 1)}e}".partition("e")
        text = f"{_trimmed(mantissa)}e{int(exponent)}"
    else:
        unit, word = next((each for each in _SIZES if size >= each[0]), (1.0, ""))
        size /= unit
        decimals = max(0, digits - 1 - math.floor(math.log10(size)))
        text = _trimmed(f"{size:,.{decimals}f}") + word
    return f"−{text}" if value < 0 else text


def percent(share: float) -> str:
    """`12.3 %`; `<0.01 %` for what is hardly anything."""
    if 0 < share < 1e-4:
        return "<0.01 %"
    return f"{told(100 * share, 3)} %"


def _digits(values: Sequence[float], step: float) -> int:
    largest = max(map(abs, values), default=step)
    apart = math.floor(math.log10(largest)) - math.floor(math.log10(step)) if largest > 0 else 0
    return min(15, max(1, apart) + 2)


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _round_up(step: float) -> float:
    """To 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(step, 1e-305)))
    return next(each * power for each in (1, 2, 5, 10) if each * power >= step * (1 - 1e-9))
