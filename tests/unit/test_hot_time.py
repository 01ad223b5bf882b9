"""How long an ended task stays in Redis, by how much of Redis's memory is used."""

import pytest

from monitor.hot_time import hot_seconds

MIB = 2**20
MOST = 400 * MIB


def test_without_a_limit_of_memory_the_hot_time_is_the_setting():
    assert hot_seconds(600, used=10**12, most=0) == 600


@pytest.mark.parametrize(("used", "expected"), [(0, 600), (40, 600), (60, 302.5), (80, 5), (399, 5), (500, 5)])
def test_the_hot_time_falls_evenly_between_a_tenth_and_a_fifth_of_the_memory(used, expected):
    assert hot_seconds(600, used * MIB, MOST) == pytest.approx(expected)


@pytest.mark.parametrize("longest", [0, 1, 5])
@pytest.mark.parametrize("used", [0, 60 * MIB, MOST])
def test_a_short_setting_is_kept_whatever_the_memory(longest, used):
    assert hot_seconds(longest, used, MOST) == longest


@pytest.mark.parametrize("rate", [100, 400, 1000, 3000])  # tasks a second
@pytest.mark.parametrize("size", [2_000, 4_500])  # bytes that a small ended task takes
def test_at_any_rate_of_small_tasks_memory_settles_below_a_quarter_of_400_mb(rate, size):
    base = 5 * MIB
    ends: list[float] = []
    kept = first = 0
    for second in range(900):  # a simulation, second by second: `rate` tasks end, those past the hot time leave
        ends += [second] * rate
        kept += rate
        limit = second - hot_seconds(600, base + kept * size, MOST)
        while first < len(ends) and ends[first] < limit:
            first += 1
            kept -= 1
        assert base + kept * size < 100 * 10**6
