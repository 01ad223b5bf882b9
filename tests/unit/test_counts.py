"""The hash of counts as numbers: between two moments, over a restart of Redis, and as quantiles."""

import re
from pathlib import Path

import pytest

from throughline.ledger.counts import BOUNDS, Counts, Durations, Ended, Ran, Waited, grouped
from throughline.ledger.states import Status

SUCCESS, RETRY = Status.SUCCESS, Status.RETRY
COLLECTOR = Path(__file__).resolve().parents[2] / "observability" / "otel-collector" / "config.yaml"

EARLIER = {"ran|0.01|SUCCESS|1.4|a": "3", "ran_us|SUCCESS|1.4|a": "24000", "ended|REVOKED|a": "3"}
LATER = {
    "ran|0.01|SUCCESS|1.4|a": "5",
    "ran|inf|RETRY||b|c": "1",
    "ran_us|SUCCESS|1.4|a": "40000",
    "ran_us|RETRY||b|c": "700000000",
    "waited|0.25|high|a": "2",
    "waited_us|high|a": "300000",
    "ended|REVOKED|a": "5",
}


def test_a_name_may_hold_anything_and_what_another_version_wrote_is_left_out():
    told = Counts.parse(LATER | {"ran|0.01|LOST|1|a": "1", "odd": "1", "ended|SUCCESS|a|": "x", "ran|1|2": "1"}, 9.0)
    assert told == Counts.parse(LATER, 9.0)
    assert told.ran[Ran("b|c", "", RETRY)] == Durations((0,) * len(BOUNDS) + (1,), 700_000_000)
    assert told.waited == {Waited("a", "high"): Durations(tuple(2 * (each == 0.25) for each in (*BOUNDS, 0)), 300_000)}


def test_between_two_moments_there_is_what_came_in_between():
    between = Counts.parse(LATER, 20.0).since(Counts.parse(EARLIER, 10.0))
    assert between.ended == {Ended("a", Status.REVOKED): 2, Ended("a", SUCCESS): 2}  # by their runs, and without one
    assert (between.runs().count, between.runs(lambda each: each.status is SUCCESS).mean) == (3, 0.008)
    assert between.per_second(between.tasks()) == 0.4


def test_a_redis_that_lost_its_disk_counts_from_0_and_no_rate_is_negative():
    between = Counts.parse(EARLIER, 20.0).since(Counts.parse(LATER, 10.0))
    assert (between.tasks(), between.runs().count, between.runs().seconds) == (6, 3, 0.024)
    assert Counts.parse({}, 20.0).since(Counts.parse(LATER, 10.0)).tasks() == 0


@pytest.mark.parametrize(
    ("within", "share", "seconds"),
    [
        ({0.01: 10}, 0.5, 0.0075),  # spread evenly from 5 to 10 ms
        ({0.01: 9, 5.0: 1}, 0.95, 3.75),
        ({None: 1}, 0.5, BOUNDS[-1]),
        ({0.002: 1}, 1.0, 0.002),
    ],
)
def test_quantiles_are_prometheus_own(within, share, seconds):
    measured = Durations(tuple(within.get(each, 0) for each in (*BOUNDS, None)))
    assert measured.quantile(share) == pytest.approx(seconds)


def test_nothing_has_neither_mean_nor_quantile():
    assert (Durations().mean, Durations().quantile(0.5)) == (None, None)


def test_what_was_measured_adds_up_by_what_is_asked():
    told = Counts.parse(LATER | {"waited|1|low|a": "1", "waited|1|high|b": "3"}, 0.0)
    assert {queue: each.count for queue, each in grouped(told.waited, lambda each: each.queue).items()} == {
        "high": 5,
        "low": 1,
    }


def test_the_bounds_begin_with_those_of_the_collector_so_that_spans_and_counts_compare():
    (told,) = re.findall(r"buckets: \[(.+)\]", COLLECTOR.read_text())
    seconds = [float(number) / (1000 if unit == "ms" else 1) for number, unit in re.findall(r"([\d.]+)(ms|s)\b", told)]
    assert list(BOUNDS[: len(seconds)]) == seconds
