"""Moments as people type them."""

from datetime import UTC, datetime

import pytest

from throughline.moment import moment_of

NOW = datetime(2026, 11, 25, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1h", "2026-11-25T15:00:00+00:00"),
        ("1d", "2026-11-24T16:00:00+00:00"),
        ("2026-11-25T14:00:00Z", "2026-11-25T14:00:00+00:00"),
        ("2026-11-25T14:00:00+02:00", "2026-11-25T12:00:00+00:00"),
        ("2026-11-25 14:00", "2026-11-25T14:00:00+00:00"),
        ("2026-11-25", "2026-11-25T00:00:00+00:00"),
    ],
)
def test_it_is_how_long_ago_or_a_date(text: str, moment: str):
    assert moment_of(text, NOW).isoformat() == moment


@pytest.mark.parametrize("text", ["", "yesterday", "1x", "-1h", "2026-13-01", "25:00", "0001-01-01T00:00:00+23:00"])
def test_anything_else_is_refused_with_what_would_be_right(text: str):
    with pytest.raises(ValueError, match="must be how long ago"):
        moment_of(text, NOW)
