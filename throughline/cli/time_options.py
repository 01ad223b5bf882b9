"""Moments that a command's options name, and moments as commands tell them."""

from datetime import UTC, datetime

from throughline.local.run import CannotRun
from throughline.moment import moment_of


def moment(option: str, text: str, now: datetime) -> datetime:
    """What the option names; raises `CannotRun` that names the option."""
    try:
        return moment_of(text, now)
    except ValueError as error:
        raise CannotRun(f"{option} {error}.") from None


def upside_down(since: datetime, until: datetime) -> CannotRun:
    """The error of a range that ends before it begins."""
    return CannotRun(f"--since ({in_words(since)}) must be before --until ({in_words(until)}).")


def in_words(told: datetime) -> str:
    """`2026-11-25 16:30:00 UTC`."""
    return f"{told.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
