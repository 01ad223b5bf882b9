"""Durations, counts and shares as people read them."""

from typing import Any


def format_duration(nanoseconds: int) -> str:
    """`312 µs`, `4.12 ms`, `41.2 ms`, `3.20 s`, `2 m 05 s`, `1 h 02 m`."""
    for unit, size in (("µs", 1e3), ("ms", 1e6), ("s", 1e9)):
        value = nanoseconds / size
        if value < (999.5 if unit != "s" else 59.95):
            return f"{value:.{_decimals(value, unit)}f} {unit}"
    seconds = round(nanoseconds / 1e9)
    if seconds < 3600:
        return f"{seconds // 60} m {seconds % 60:02} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02} m"


def format_offset(nanoseconds: int) -> str:
    """A duration with a minus sign when it lies before the start."""
    return format_duration(nanoseconds) if nanoseconds >= 0 else "−" + format_duration(-nanoseconds)


def format_count(number: Any, singular: str) -> str:
    """`1 position`, `100,000 scenarios`."""
    return f"{number:,} {singular}{'' if number == 1 else 's'}" if isinstance(number, int) else f"{number} {singular}s"


def format_percent(part: int, whole: int) -> str:
    """`41 %`; `<1 %` for a small part that is not zero."""
    share = 100 * part / max(1, whole)
    return "<1 %" if 0 < share < 0.5 else f"{share:.0f} %"


def _decimals(value: float, unit: str) -> int:
    if unit == "µs" or value >= 99.95:
        return 0
    return 1 if value >= 9.995 else 2
