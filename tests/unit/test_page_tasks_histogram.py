"""The picture of how many tasks were submitted over time, and the range that it shows."""

from collections.abc import Mapping
from itertools import pairwise

import pytest

from monitor.page.changes.releases import Release
from monitor.page.moments import in_address
from monitor.page.tasks.histogram import histogram
from monitor.page.tasks.time_range import TimeRange, time_range
from throughline.ledger.states import Status
from throughline.ledger.stored_task import StoredTask
from throughline.ledger.task_query import TaskQuery

NOON = 1_764_072_000.0  # 2025-11-25T12:00:00Z
HOUR = 3600
Told = Mapping[Status, int]


def drawn(*told: Told, since: float = NOON, seconds: float = HOUR):
    width = seconds / len(told)
    counts = [(since + number * width, each) for number, each in enumerate(told)]
    return histogram(counts, since, since + seconds, lambda since, until: f"{since}..{until}")


def test_bars_lie_side_by_side_and_each_leads_to_its_own_range():
    picture = drawn({Status.SUCCESS: 1}, {}, {Status.SUCCESS: 2}, {})

    assert [(bar.x, bar.width) for bar in picture.bars] == [(0, 25), (25, 25), (50, 25), (75, 25)]
    assert all(one.until == next_.since for one, next_ in pairwise(picture.bars))
    assert picture.bars[2].url == "2025-11-25T12:30:00Z..2025-11-25T12:45:00Z"


def test_states_are_stacked_with_failures_at_the_bottom_and_the_fullest_bar_as_high_as_the_picture():
    picture = drawn({Status.SUCCESS: 6, Status.FAILURE: 2}, {Status.PENDING: 4})

    assert [(each.status, each.y, each.height) for each in picture.bars[0].pieces] == [
        (Status.FAILURE, 75, 25), (Status.SUCCESS, 0, 75),
    ]  # fmt: skip
    assert [(each.status, each.y, each.height) for each in picture.bars[1].pieces] == [(Status.PENDING, 50, 50)]


def test_one_failure_among_thousands_is_seen_and_nothing_leaves_the_picture():
    (bar,) = drawn({Status.SUCCESS: 100_000, Status.FAILURE: 1, Status.REVOKED: 1}).bars

    assert min(each.height for each in bar.pieces) > 3
    assert all(each.y >= 0 and each.y + each.height <= 100.1 for each in bar.pieces)


def test_a_bar_and_the_whole_are_told_in_words():
    picture = drawn({Status.SUCCESS: 1_200, Status.FAILURE: 3}, {})

    assert picture.bars[0].words == "12:00 – 12:30 UTC: 1,200 SUCCESS, 3 FAILURE"
    assert picture.bars[1].words.endswith("no task")
    assert picture.words == "1,203 tasks submitted between 2025-11-25 12:00:00 and 2025-11-25 13:00:00 UTC"
    assert picture.totals == ((Status.SUCCESS, 1200), (Status.FAILURE, 3))


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (3, ["12:00:01", "12:00:02"]),
        (HOUR, ["12:10", "12:20", "12:30", "12:40", "12:50"]),
        (86_400, ["Nov 25 18:00", "Nov 26 00:00", "Nov 26 06:00"]),
        (7 * 86_400, ["Nov 26", "Nov 27", "Nov 28", "Nov 29", "Nov 30", "Dec 1", "Dec 2"]),
    ],
)
def test_the_axis_has_a_few_round_times(seconds: float, labels: list[str]):
    assert [label for _, label in drawn(*[{}] * 60, seconds=seconds).ticks] == labels


def test_a_range_of_years_has_an_axis_too():
    assert drawn(*[{}] * 60, seconds=10 * 365 * 86_400).ticks


@pytest.mark.parametrize(
    ("moment", "told"),
    [(NOON, "2025-11-25T12:00:00Z"), (NOON + 0.25, "2025-11-25T12:00:00.250Z"), (0, "1970-01-01T00:00:00Z")],
)
def test_a_moment_in_an_address(moment: float, told: str):
    assert in_address(moment) == told


def shown(*ago: float) -> list[StoredTask]:
    return [StoredTask(str(each), {"submitted_at": str(NOON - each)}) for each in ago]


@pytest.mark.parametrize(
    ("ago", "reach"), [((), HOUR), ((5, 60), HOUR), ((5, 4000), 6 * HOUR), ((100_000,), 7 * 86_400)]
)
def test_without_a_range_the_picture_reaches_back_to_the_oldest_task_on_the_page(ago: tuple[float, ...], reach: float):
    found = time_range(TaskQuery(), shown(*ago), NOON + 1)

    assert found is not None
    assert found.until - found.since == pytest.approx(reach, rel=0.02)
    assert found.since <= NOON + 1 - reach < found.since + found.width
    assert found.until - found.width <= NOON + 1 <= found.until


def test_while_time_goes_on_a_task_stays_in_its_bar():
    first, later = (time_range(TaskQuery(submitted_after=now - HOUR), [], now) for now in (NOON + 1, NOON + 59))

    assert first is not None
    assert first == later


def test_a_fixed_range_is_shown_as_it_is():
    query = TaskQuery(submitted_after=NOON + 0.5, submitted_before=NOON + 7)

    assert time_range(query, [], NOON) == TimeRange(NOON + 0.5, NOON + 7)


def test_a_range_of_no_length_or_of_the_future_has_no_picture():
    assert time_range(TaskQuery(submitted_after=NOON, submitted_before=NOON), [], NOON + 9) is None
    assert time_range(TaskQuery(submitted_after=NOON + 9), [], NOON) is None


def test_every_moment_of_a_range_is_in_one_of_its_bars():
    whole = TimeRange(NOON, NOON + HOUR)

    assert [whole.number(moment) for moment in (NOON - 1, NOON, NOON + 60, NOON + HOUR)] == [0, 0, 1, 59]
    assert whole.start(whole.number(NOON + 61)) == NOON + 60


@pytest.mark.parametrize("ends", [(-62_135_596_800.0, None), (0.0, 253_402_300_799.0), (NOON, 253_402_300_799.0)])
def test_the_first_and_the_last_moment_that_can_be_written_bound_a_picture_too(ends: tuple[float, float | None]):
    since, until = ends
    found = time_range(TaskQuery(submitted_after=since, submitted_before=until), [], NOON)
    assert found
    for within in (found, time_range(TaskQuery(submitted_before=until), [], NOON), time_range(TaskQuery(), [], NOON)):
        assert within
        picture = histogram(
            [(within.start(bar), {}) for bar in range(within.bars)],
            within.since,
            within.until,
            lambda since, until: f"{since}..{until}",
        )
        assert len(picture.ticks) <= 8


def test_releases_within_the_range_are_marked_where_they_were():
    released = [Release("1.5", "1.4", ("api", "worker"), NOON + at, NOON + at) for at in (-1, 900, HOUR + 1)]
    picture = histogram([(NOON, {})], NOON, NOON + HOUR, lambda since, until: "", released)

    assert [(mark.x, mark.words) for mark in picture.marks] == [
        (25, "2025-11-25 12:15:00 UTC: 1.4 → 1.5 (api, worker)")
    ]
