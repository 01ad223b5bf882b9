"""Time on a line of characters, and in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from throughline.journey.intervals import clipped, covered_ns
from throughline.journey.quantities import format_duration
from throughline.journey.scale import Scale

WITHIN = st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)).map(sorted)


@pytest.mark.parametrize(
    ("start", "end", "bar"),
    [
        (0, 1000, "██████████"),
        (0, 550, "█████▌"),
        (0, 12, "▏"),
        (0, 13, "▏"),
        (500, 500, "     ▏"),
        (550, 750, "     ▐█▌"),
        (585, 700, "     ▕█"),
        (520, 600, "     █"),
        (590, 600, "     ▕"),
        (510, 540, "     ▎"),
        (1000, 1000, "         ▕"),
    ],
)
def test_a_bar_is_exact_to_an_eighth_and_never_nothing(start: int, end: int, bar: str):
    before, blocks = Scale(1000, 10).bar(start, end)

    assert " " * before + blocks == bar


@given(WITHIN, st.integers(1, 200))
def test_a_bar_lies_where_it_should_within_a_cell_and_inside_the_line(interval: list[int], cells: int):
    start, end = interval
    before, blocks = Scale(10**9, cells).bar(start, end)

    assert blocks
    assert before + len(blocks) <= cells
    assert abs(before - start / 10**9 * cells) <= 1
    # A whole cell, and the sixteenth by which the start was rounded up.
    assert abs(before + len(blocks) - end / 10**9 * cells) <= 1 + 1 / 16


@pytest.mark.parametrize(
    ("start", "end", "shade"), [(0, 1, (0, 1)), (150, 250, (1, 2)), (1000, 1000, (9, 1)), (200, 400, (2, 2))]
)
def test_a_shade_covers_every_cell_that_it_touches(start: int, end: int, shade: tuple[int, int]):
    assert Scale(1000, 10).shade(start, end) == shade


def test_ticks_stand_at_round_moments_and_leave_room_for_their_labels():
    assert Scale(155 * 10**6, 40).ticks(8) == [(0, "0"), (12, "50 ms"), (25, "100 ms"), (38, "150 ms")]
    assert Scale(3 * 10**9, 20).ticks(8) == [(0, "0"), (13, "2 s")]
    assert Scale(40_000, 30).ticks(8) == [(0, "0"), (15, "20 µs")]
    assert Scale(0, 30).ticks(8) == [(0, "0")]


@pytest.mark.parametrize(
    ("nanoseconds", "words"),
    [
        (0, "0 µs"),
        (1_499, "1 µs"),
        (999_499, "999 µs"),
        (999_500, "1.00 ms"),
        (4_123_000, "4.12 ms"),
        (9_995_000, "10.0 ms"),
        (41_230_000, "41.2 ms"),
        (412_300_000, "412 ms"),
        (999_500_000, "1.00 s"),
        (59_940_000_000, "59.9 s"),
        (59_950_000_000, "1 m 00 s"),
        (125_000_000_000, "2 m 05 s"),
        (3_599_600_000_000, "1 h 00 m"),
        (7_500_000_000_000, "2 h 05 m"),
    ],
)
def test_a_length_of_time_has_three_digits_and_a_fitting_unit(nanoseconds: int, words: str):
    assert format_duration(nanoseconds) == words


@given(st.integers(1_000_000, 59_000_000_000))
def test_a_length_of_time_in_words_is_true_to_half_a_percent(nanoseconds: int):
    value, unit = format_duration(nanoseconds).split()

    assert float(value) * {"ms": 1e6, "s": 1e9}[unit] == pytest.approx(nanoseconds, rel=0.0051)


SMALL = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda pair: (min(pair), max(pair)))


@given(st.lists(SMALL, max_size=6))
def test_what_intervals_cover_together_is_what_their_points_say(intervals: list[tuple[int, int]]):
    assert covered_ns(intervals) == len({point for start, end in intervals for point in range(start, end)})


@given(SMALL, SMALL)
def test_clipping_keeps_the_points_that_lie_in_the_frame(interval: tuple[int, int], frame: tuple[int, int]):
    start, end = clipped(interval, frame)

    assert set(range(start, end)) == set(range(*interval)) & set(range(*frame))
    assert frame[0] <= start <= end <= frame[1]
