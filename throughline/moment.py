"""Moments as people type them: how long ago (`1h`, `30m`, `7d`), or a date and time (`2026-11-25T14:00:00Z`)."""

from datetime import UTC, datetime, timedelta

from throughline.time_span import seconds_of


def moment_of(text: str, now: datetime) -> datetime:
    """In UTC; raises `ValueError` that says what would be right. A time without a zone is UTC, as log lines are."""
    try:
        return now - timedelta(seconds=seconds_of(text))
    except ValueError:
        pass  # it may be a date
    try:
        told = datetime.fromisoformat(text.strip())
        return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    except (ValueError, OverflowError):
        how = "how long ago (90s, 15m, 1h, 7d) or a time such as 2026-11-25T14:00:00Z"
        raise ValueError(f"must be {how}, not {text[:40]!r}") from None
