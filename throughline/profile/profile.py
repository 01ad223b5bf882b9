"""A profile: for each type of task, how often each step was taken, how long it took, and its share of all the time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from throughline.profile.sampling import NOTHING_KNOWN, Sampling
from throughline.profile.step import Key, Step
from throughline.profile.window import Window

_WITHIN: Final = {Step.NGINX: Step.API, Step.API: Step.PUBLISH}  # the first waits while the second works


@dataclass(frozen=True)
class Figures:
    """How long one step took, each time from its start to its end. Nanoseconds."""

    count: int
    p50_ns: int
    p95_ns: int
    p99_ns: int
    total_ns: int


@dataclass(frozen=True)
class StepProfile:
    """One step of one type of task, or one phase of its runs.

    The shares of a type's steps add up to 1: each moment belongs to the innermost of nginx, api and publish that was
    at work. A phase's share is part of that of the run, and phases may lie within one another.
    """

    key: Key
    figures: Figures
    share: float  # of the time of all the type's steps


@dataclass(frozen=True)
class TypeProfile:
    """One type of task."""

    task_type: str
    steps: tuple[StepProfile, ...]  # in the order of a task's way
    phases: tuple[StepProfile, ...]  # those that took most, first
    whole_ns: int


@dataclass(frozen=True)
class Profile:
    """The types that took most time first."""

    window: Window
    types: tuple[TypeProfile, ...]
    is_exact: bool  # percentiles are of every single step; else they are estimates
    is_whole: bool = True  # all steps of the time were read; else only the newest
    sampling: Sampling = NOTHING_KNOWN

    def __bool__(self) -> bool:
        return bool(self.types)

    def of(self, task_type: str) -> TypeProfile | None:
        return next((each for each in self.types if each.task_type == task_type), None)


def profile_of(
    figures: Mapping[Key, Figures],
    window: Window,
    *,
    is_exact: bool,
    is_whole: bool = True,
    sampling: Sampling = NOTHING_KNOWN,
) -> Profile:
    """From the figures of each step."""
    by_type: dict[str, dict[Key, Figures]] = {}
    for key, measured in figures.items():
        if measured.count:
            by_type.setdefault(key.task_type, {})[key] = measured
    types = [_type_profile(task_type, own) for task_type, own in by_type.items()]
    types.sort(key=lambda each: (-each.whole_ns, each.task_type))
    return Profile(window, tuple(types), is_exact, is_whole, sampling)


def _type_profile(task_type: str, figures: Mapping[Key, Figures]) -> TypeProfile:
    own: dict[Step, Figures] = {key.step: measured for key, measured in figures.items() if key.step is not Step.PHASE}
    alone = {step: _alone_ns(step, own) for step in own}
    whole = sum(alone.values())
    steps = sorted(own, key=list(Step).index)
    phases = sorted(_phases(figures), key=lambda each: (-each[1].total_ns, each[0].phase))
    return TypeProfile(
        task_type,
        steps=tuple(StepProfile(Key(task_type, step), own[step], _share(alone[step], whole)) for step in steps),
        phases=tuple(StepProfile(key, measured, _share(measured.total_ns, whole)) for key, measured in phases),
        whole_ns=round(whole),
    )


def _phases(figures: Mapping[Key, Figures]) -> Iterator[tuple[Key, Figures]]:
    return ((key, measured) for key, measured in figures.items() if key.step is Step.PHASE)


def _alone_ns(step: Step, own: Mapping[Step, Figures]) -> float:
    """Its time without that of the step within it. NGINX's clock ticks in milliseconds: it may seem the shorter one."""
    outer, inner = own[step], own.get(_WITHIN.get(step, step))
    if inner is None or inner is outer:
        return outer.total_ns
    # A request that came past NGINX, or a task that another one submitted, has the inner step only.
    return max(0.0, outer.total_ns - inner.total_ns * min(1.0, outer.count / inner.count))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
