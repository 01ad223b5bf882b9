"""Spans of time as people type them."""

import pytest

from throughline.time_span import seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5), ("90s", 90), ("15m", 900), ("15 min", 900), ("1h", 3600), ("1h30m", 5400), ("1H 30M", 5400),
        ("7d", 604_800), ("1w", 604_800), (" 0.5h ", 1800), ("1d12h", 129_600),
    ],
)  # fmt: skip
def test_a_span_is_read_in_seconds(text: str, seconds: float):
    assert seconds_of(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", " ", "1", "h", "1x", "-1h", "1h-", "0s", "99999d", "1e3s", "٣h", "1h,2m", "nan"])
def test_anything_else_is_refused_with_what_would_be_right(text: str):
    with pytest.raises(ValueError, match="must be"):
        seconds_of(text)
