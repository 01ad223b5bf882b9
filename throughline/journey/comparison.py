"""Why one request was slow: its steps beside those that tasks of the same type took at about the same time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from throughline.journey.journey import Request, Step
from throughline.journey.quantities import format_count, format_duration
from throughline.journey.role import Role
from throughline.profile import Figures, Profile, TypeProfile, Window
from throughline.profile import Step as Kind
from throughline.profile.sampling import share_sampled

ENOUGH: Final = 20  # steps, before it is told what is typical of them
_AROUND: Final = timedelta(hours=1)
_ROUNDED_SECONDS: Final = 300
_MATTERS: Final = 0.1  # of the request's time
_SHORTEST_NS: Final = 10**6
_KINDS: Final = {
    Role.NGINX: Kind.NGINX,
    Role.API: Kind.API,
    Role.PUBLISH: Kind.PUBLISH,
    Role.WAIT: Kind.WAIT,
    Role.RUN: Kind.RUN,
    Role.PHASE: Kind.PHASE,
}
_AGAIN: Final = {Role.PAUSE, Role.WAIT, Role.RUN}


@dataclass(frozen=True)
class Comparison:
    """What is typical, and the sentence in three parts: up to the name of the step that differs most, it, after it."""

    typical: Mapping[int, Figures]  # of each step of the request, by its place, where there are enough to tell
    sentence: tuple[str, str, str]
    is_slow: bool = False

    @property
    def words(self) -> str:
        return "".join(self.sentence)


Compare = Callable[[Request], Comparison | None]


def no_comparison(_: Request) -> None:
    """Where nothing is known of other tasks."""


def window_around(request: Request, now: datetime) -> Window:
    """The hour before it and the hour after, as far as that has come; rounded, so that answers can be kept."""
    began = request.started.timestamp() // _ROUNDED_SECONDS * _ROUNDED_SECONDS
    start = datetime.fromtimestamp(began, UTC)
    # Until soon: what began since the last full minutes counts too.
    return Window(start - _AROUND, min(now, start + _AROUND) + timedelta(seconds=_ROUNDED_SECONDS))


def types_of(request: Request) -> tuple[str, ...]:
    """Whose profiles the comparison needs."""
    return tuple(dict.fromkeys(task.task_type for task in request.tasks if task.task_type))


def compare(request: Request, profiles: Mapping[str, Profile]) -> Comparison | None:
    """`profiles` by task type. None for a request that submitted no task."""
    if not request.tasks:
        return None
    of_types = {name: each for name, profile in profiles.items() if (each := profile.of(name))}
    compared = _compared(request, of_types)
    own = profiles.get(request.task_type)
    sampled = share_sampled(own.sampling) if own else ""
    if not sampled:
        return compared
    before, name, behind = compared.sentence
    among = f" It is compared with those that left spans: {sampled}."
    return replace(compared, sentence=(before, name, behind + among))


def _compared(request: Request, profiles: Mapping[str, TypeProfile]) -> Comparison:
    typical = {index: figures for index, figures in _typical(request, profiles) if figures.count >= ENOUGH}
    if not typical:
        return Comparison({}, ("Too few to compare with: ", "", _too_few(request, profiles)))
    slow = {index: excess for index, excess in _excesses(request, typical) if _matters(excess, request)}
    again_ns = _again_ns(request, profiles)
    if _matters(again_ns, request) and again_ns >= max(slow.values(), default=0):
        told = f": {format_duration(again_ns)} went by after the first. Most of its type need one attempt."
        return Comparison(typical, ("Slow because of ", "another attempt", told), is_slow=True)
    if not slow:
        told = "no step that matters took longer than 95 of 100 like it."
        return Comparison(typical, ("Not slower than usual: ", "", told))
    index = _innermost(request, slow, max(slow, key=lambda each: slow[each]))
    return Comparison(typical, _slow_in(request, index, typical[index]), is_slow=True)


def _typical(request: Request, profiles: Mapping[str, TypeProfile]) -> Iterator[tuple[int, Figures]]:
    types = {task.task_id: task.task_type for task in request.tasks}
    figures = {
        (task_type, step.key.step, step.key.phase): step.figures
        for task_type, profile in profiles.items()
        for step in (*profile.steps, *profile.phases)
    }
    waited: set[str] = set()
    for index, step in enumerate(request.steps):
        kind = _KINDS.get(step.role)
        if step.role is Role.WAIT and step.task_id in waited:
            continue  # a later attempt's: it is no wait of a new task
        if step.role is Role.WAIT:
            waited.add(step.task_id)
        task_type = types.get(step.task_id, request.task_type)
        found = figures.get((task_type, kind, step.name if kind is Kind.PHASE else "")) if kind else None
        if found:
            yield index, found


def _excesses(request: Request, typical: Mapping[int, Figures]) -> Iterator[tuple[int, int]]:
    """How much longer than half of those like it a step took, if it took longer than 95 % of them."""
    for index, figures in typical.items():
        took = request.steps[index].duration_ns
        if took > figures.p95_ns:
            yield index, took - figures.p50_ns


def _matters(excess_ns: int, request: Request) -> bool:
    return excess_ns >= max(_SHORTEST_NS, request.total_ns * _MATTERS)


def _again_ns(request: Request, profiles: Mapping[str, TypeProfile]) -> int:
    """The time after the first attempt, when most tasks of the type need one."""
    profile = profiles.get(request.task_type)
    counts = {step.key.step: step.figures.count for step in profile.steps} if profile else {}
    if counts.get(Kind.WAIT_AGAIN, 0) * 2 > counts.get(Kind.WAIT, 0):
        return 0
    of_first = [step for step in request.steps if step.task_id == request.task_id and step.role in _AGAIN]
    runs = [step for step in of_first if step.role is Role.RUN]
    pauses = [step for step in of_first if step.role is Role.PAUSE]
    if not runs or (len(runs) < 2 and not pauses):
        return 0
    return max(0, max(step.end_ns for step in of_first) - runs[0].end_ns)


def _innermost(request: Request, slow: Mapping[int, int], outer: int) -> int:
    """The step within it that accounts for most of the difference, if one does."""
    steps = request.steps
    below = list(_below(steps, outer))
    inner = [index for index in below if slow.get(index, 0) * 2 >= slow[outer]]
    return _innermost(request, slow, max(inner, key=lambda each: slow[each])) if inner else outer


def _below(steps: tuple[Step, ...], outer: int) -> Iterator[int]:
    around = steps[outer]
    for index in range(outer + 1, len(steps)):
        if steps[index].depth <= around.depth:
            return
        if around.role in {Role.NGINX, Role.API} or steps[index].task_id == around.task_id:
            yield index


def _slow_in(request: Request, index: int, typical: Figures) -> tuple[str, str, str]:
    step = request.steps[index]
    task = next((task for task in request.tasks if task.task_id == step.task_id), None)
    of = f" of {task.task_type} {task.task_id}" if task and len(request.tasks) > 1 else ""
    so_far = " so far" if step.is_ongoing else ""
    took, p50, p95 = map(format_duration, (step.duration_ns, typical.p50_ns, typical.p95_ns))
    return "Slow in ", step.name, f"{of}: {took}{so_far}, typically {p50} (p95 {p95})."


def _too_few(request: Request, profiles: Mapping[str, TypeProfile]) -> str:
    profile = profiles.get(request.task_type)
    counts = {step.key.step: step.figures.count for step in profile.steps} if profile else {}
    # A task has one wait for its first attempt, and as many runs as attempts; a stock client's has no publication.
    tasks = counts.get(Kind.PUBLISH) or counts.get(Kind.WAIT) or counts.get(Kind.RUN, 0)
    return f"{format_count(tasks, 'task')} of type {request.task_type} at about that time; {ENOUGH} are needed."
