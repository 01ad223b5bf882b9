"""The figures of a profile: percentiles, and shares that add up."""

import random
from datetime import UTC, datetime

import pytest

from throughline.profile import Figures, Key, Step, Window, profile_of
from throughline.profile.durations import figures_of
from throughline.profile.step import step_of

WINDOW = Window(datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC))
NAME = "calculate_var"
ALL = {
    Key(NAME, Step.NGINX): Figures(10, 6, 9, 9, 60),
    Key(NAME, Step.API): Figures(10, 4, 5, 5, 40),
    Key(NAME, Step.PUBLISH): Figures(10, 1, 2, 2, 10),
    Key(NAME, Step.WAIT): Figures(10, 4, 5, 5, 40),
    Key(NAME, Step.RUN): Figures(12, 8, 9, 9, 100),
    Key(NAME, Step.PHASE, "simulate"): Figures(12, 5, 6, 6, 70),
    Key(NAME, Step.PHASE, "run"): Figures(12, 1, 1, 1, 20),
}


def shares(figures: dict[Key, Figures]) -> dict[str, float]:
    (only,) = profile_of(figures, WINDOW, is_exact=True).types
    return {step.key.step: step.share for step in only.steps}


@pytest.mark.parametrize(
    ("durations", "p50", "p95", "p99"),
    [([7], 7, 7, 7), ([1, 3], 2, 3, 3), (range(101), 50, 95, 99), (range(1000, -1, -1), 500, 950, 990)],
)
def test_percentiles_lie_between_the_nearest_durations(durations: list[int], p50: int, p95: int, p99: int):
    figures = figures_of(durations)

    assert (figures.p50_ns, figures.p95_ns, figures.p99_ns) == (p50, p95, p99)
    assert (figures.count, figures.total_ns) == (len(durations), sum(durations))


def test_a_moment_counts_for_the_innermost_step_so_that_the_shares_add_up():
    assert shares(ALL) == {
        Step.NGINX: pytest.approx(20 / 200),
        Step.API: pytest.approx(30 / 200),
        Step.PUBLISH: pytest.approx(10 / 200),
        Step.WAIT: pytest.approx(40 / 200),
        Step.RUN: pytest.approx(100 / 200),
    }


@pytest.mark.parametrize("seed", range(20))
def test_the_shares_add_up_whatever_steps_were_seen_and_how_often(seed: int):
    dice = random.Random(seed)
    steps = dice.sample([step for step in Step if step is not Step.PHASE], dice.randint(1, 6))
    durations = {step: [dice.randrange(10**9) for _ in range(dice.randint(1, 9))] for step in steps}
    figures = {Key(NAME, step): figures_of(own) for step, own in durations.items()}

    assert sum(shares(figures).values()) == pytest.approx(1)
    assert all(share >= 0 for share in shares(figures).values())


def test_a_replica_that_is_asked_directly_takes_nothing_from_nginx():
    figures = {Key(NAME, Step.NGINX): Figures(1, 10, 10, 10, 10), Key(NAME, Step.API): Figures(4, 5, 5, 5, 20)}

    assert shares(figures) == {Step.NGINX: pytest.approx(5 / 25), Step.API: pytest.approx(20 / 25)}


def test_a_phase_is_part_of_the_run_and_may_be_called_as_a_step_is():
    (only,) = profile_of(ALL, WINDOW, is_exact=True).types

    assert {phase.key.name: phase.share for phase in only.phases} == pytest.approx({"simulate": 0.35, "run": 0.1})
    assert [step.key.name for step in only.steps] == ["nginx", "api", "publish", "wait", "run"]


def test_types_are_listed_by_the_time_they_took_and_steps_that_never_were_are_none():
    figures = {
        Key("short", Step.RUN): Figures(100, 1, 1, 1, 100),
        Key("long", Step.RUN): Figures(1, 500, 500, 500, 500),
        Key("never", Step.RUN): Figures(0, 0, 0, 0, 0),
    }

    assert [each.task_type for each in profile_of(figures, WINDOW, is_exact=True).types] == ["long", "short"]


def test_a_step_that_took_no_time_at_all_has_no_share():
    assert shares({Key(NAME, Step.NGINX): Figures(2, 0, 0, 0, 0)}) == {Step.NGINX: 0}


@pytest.mark.parametrize(
    ("service", "kind", "name", "phase", "attempt", "step"),
    [
        ("nginx", "server", "nginx", False, None, Step.NGINX),
        ("api", "server", "api", False, None, Step.API),
        ("api", "producer", "publish high", False, None, Step.PUBLISH),
        ("worker", "producer", "publish low", False, None, Step.PUBLISH),
        ("worker", "internal", "wait high", False, "1", Step.WAIT),
        ("worker", "internal", "wait high", False, "3", Step.WAIT_AGAIN),
        ("worker", "consumer", "run wait x", False, 1, Step.RUN),
        ("worker", "internal", "run", True, None, Step.PHASE),
        ("worker", "internal", "wait high", True, None, Step.PHASE),
        ("worker", "internal", "of a library", False, None, None),
        ("api", "client", "GET", False, None, None),
    ],
)
def test_a_span_is_a_step_by_what_it_is_and_a_phase_whatever_its_name(
    service: str, kind: str, name: str, phase: bool, attempt: object, step: Step | None
):
    assert step_of(service, kind, name, phase=phase, attempt=attempt) is step
