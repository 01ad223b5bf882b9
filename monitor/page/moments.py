"""Moments, in seconds since 1970, as pages tell them and as addresses hold them."""

from datetime import UTC, datetime
from typing import Final

_LAST: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


def in_address(moment: float) -> str:
    """`2026-11-25T16:30:00Z`; with milliseconds where there are any."""
    told = utc(moment)
    return told.isoformat(timespec="milliseconds" if told.microsecond else "seconds").replace("+00:00", "Z")


def in_words(moment: float) -> str:
    """`2026-11-25 16:30:00`."""
    return f"{utc(moment):%Y-%m-%d %H:%M:%S}"


def utc(moment: float) -> datetime:
    """A bar of the histogram may begin before the first moment, or end after the last one, that can be written."""
    return datetime.fromtimestamp(min(max(moment, 0.0), _LAST), UTC)
