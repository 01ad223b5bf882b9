"""Spans of time as people type them: `500ms`, `90s`, `15m`, `1h`, `1h30m`, `7d`."""

import re
from typing import Final

_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PART: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*(ms|min|s|m|h|d|w)\s*", re.ASCII)
_LONGEST: Final = 315_360_000  # ten years, as every setting that is a time to live


def seconds_of(text: str) -> float:
    """The span in seconds; raises `ValueError` for what is none, for nothing at all and for more than ten years."""
    rest, seconds = text.strip().lower(), 0.0
    if not rest:
        raise ValueError(_wrong(text))
    while rest:
        found = _PART.match(rest)
        if found is None:
            raise ValueError(_wrong(text))
        seconds += float(found[1]) * _UNITS[found[2]]
        rest = rest[found.end() :]
    if not 0 < seconds <= _LONGEST:
        raise ValueError("must be more than nothing, and at most ten years")
    return seconds


def _wrong(text: str) -> str:
    return f"must be a span of time such as 500ms, 90s, 15m, 1h or 7d, not {text[:40]!r}"
