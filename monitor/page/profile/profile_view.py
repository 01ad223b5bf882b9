"""What the page of a profile shows: its figures in words, and where to look further."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from monitor.page.columns import Column, Head, Order, heads, order_of
from monitor.page.links import RangeLink
from monitor.page.profile.asked import RANGES, Asked
from monitor.page.waterfall import Bar, bar
from throughline.journey.quantities import format_count, format_duration, format_percent
from throughline.profile import Profile, Step, StepProfile, TypeProfile
from throughline.profile.explanation import explanation, unsampled
from throughline.profile.step import MEANINGS

_KINDS: Final = {
    Step.NGINX: "nginx",
    Step.API: "api",
    Step.PUBLISH: "api",
    Step.WAIT: "wait",
    Step.WAIT_AGAIN: "pause",
    Step.RUN: "worker",
    Step.PHASE: "worker",
}
_COLUMNS: Final = (
    Column("Step", "step"),  # in the order in which a task takes them, each phase below the run
    Column("Count", "count", "second end", falls=True),
    Column("p50", "p50", "end", falls=True),
    Column("p95", "p95", "end", falls=True),
    Column("p99", "p99", "end", falls=True),
    Column("Total", "total", "second end", falls=True),
    Column("Share", "share", "end", falls=True),
    Column("Share as a bar", classes="second wide-cell"),
)
_DEFAULT: Final = Order("step", falls=False)
_KEYS: Final[Mapping[str, Callable[[StepProfile], float]]] = {
    "count": lambda step: step.figures.count,
    "p50": lambda step: step.figures.p50_ns,
    "p95": lambda step: step.figures.p95_ns,
    "p99": lambda step: step.figures.p99_ns,
    "total": lambda step: step.figures.total_ns,
    "share": lambda step: step.share,
}
_OF_THE_TASK: Final = {Step.WAIT, Step.WAIT_AGAIN, Step.RUN}  # a task with a slow one is a slow task


@dataclass(frozen=True)
class StepView:
    """A row of the table."""

    name: str
    means: str
    is_phase: bool
    count: str
    p50: str
    p95: str
    p99: str
    slower_url: str  # the tasks that took longer in all than this step's p99; empty for a step that is short
    total: str
    share: str
    bar: Bar


@dataclass(frozen=True)
class TypeView:
    """One type of task."""

    task_type: str
    told: str
    url: str
    steps: tuple[StepView, ...]


@dataclass(frozen=True)
class ProfileView:
    """The page."""

    times: str
    source: str
    ranges: tuple[RangeLink, ...]
    task_type: str
    all_types_url: str
    errors_url: str
    heads: tuple[Head, ...]
    types: tuple[TypeView, ...]
    explanation: str
    unsampled: str  # that some tasks left no spans
    command: str


def profile_view(found: Profile, asked: Asked, source: str) -> ProfileView:
    return ProfileView(
        times=times(asked),
        source=source,
        ranges=ranges(asked, "/profile"),
        task_type=asked.task_type,
        all_types_url=asked.address("/profile", task_type=""),
        errors_url=asked.address("/errors"),
        heads=heads(_COLUMNS, _order(asked), lambda told: asked.address("/profile", order=told)),
        types=tuple(_type_view(each, asked) for each in found.types),
        explanation=explanation(found),
        unsampled=unsampled(found),
        command=f"throughline profile --since {asked.since.replace(' ', 'T')}",
    )


def times(asked: Asked) -> str:
    since, until = asked.window.since, asked.window.until
    return f"{since:%Y-%m-%d %H:%M:%S} to {until:%Y-%m-%d %H:%M:%S} UTC"


def ranges(asked: Asked, path: str) -> tuple[RangeLink, ...]:
    return tuple(
        RangeLink(each, asked.address(path, since=each, until=""), each == asked.since and not asked.until)
        for each in RANGES
    )


def _type_view(of_type: TypeProfile, asked: Asked) -> TypeView:
    runs = next((step.figures.count for step in of_type.steps if step.key.step is Step.RUN), 0)
    return TypeView(
        of_type.task_type,
        told=f"{format_count(runs, 'run')}, {format_duration(of_type.whole_ns)} in all",
        url="" if asked.task_type else asked.address("/profile", task_type=of_type.task_type),
        steps=tuple(_step_view(step, asked) for step in _in_order(of_type, asked)),
    )


def _in_order(of_type: TypeProfile, asked: Asked) -> list[StepProfile]:
    order, steps = _order(asked), [*of_type.steps, *of_type.phases]
    if order.name == "step":
        return steps[::-1] if order.falls else steps
    return sorted(steps, key=_KEYS[order.name], reverse=order.falls)


def _order(asked: Asked) -> Order:
    return order_of(asked.order, _COLUMNS, _DEFAULT)


def _step_view(step: StepProfile, asked: Asked) -> StepView:
    figures, part = step.figures, round(step.share * 10**6)
    return StepView(
        name=step.key.name,
        means=MEANINGS.get(step.key.step, "a phase of the run"),
        is_phase=step.key.step is Step.PHASE,
        count=f"{figures.count:,}",
        p50=format_duration(figures.p50_ns),
        p95=format_duration(figures.p95_ns),
        p99=format_duration(figures.p99_ns),
        slower_url=_slower_url(step, asked) if step.key.step in _OF_THE_TASK else "",
        total=format_duration(figures.total_ns),
        share=format_percent(part, 10**6),
        bar=bar(0, part, 10**6, _KINDS[step.key.step]),
    )


def _slower_url(step: StepProfile, asked: Asked) -> str:
    window = asked.window
    params = {
        "task_type": step.key.task_type,
        "slower_than_ms": f"{step.figures.p99_ns / 1e6:.3f}".rstrip("0").rstrip("."),
        "submitted_after": f"{window.since:%Y-%m-%dT%H:%M:%SZ}",
    }
    if asked.until:
        params["submitted_before"] = f"{window.until:%Y-%m-%dT%H:%M:%SZ}"
    return f"/tasks?{urlencode(params)}"
