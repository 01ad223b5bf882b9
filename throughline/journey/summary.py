"""A journey in the words that the terminal and the page share: outcome, facts, shares of the time, slowest step."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from throughline.journey.journey import Effect, Journey, Request, Source
from throughline.journey.quantities import format_count, format_duration, format_percent
from throughline.journey.role import Role

Tone = Literal["good", "bad", "warn", "neutral"]
_TONES: Final[dict[str, Tone]] = {"SUCCESS": "good", "FAILURE": "bad", "REVOKED": "neutral"}
_OTHERS_SHOWN: Final = 8
_NOTES_SHOWN: Final = 5


@dataclass(frozen=True)
class Outcome:
    """How a request ended, or its state: `SUCCESS` ` in 9.36 ms`, or `PENDING` `, 6.00 ms so far`."""

    word: str
    tone: Tone
    took: str


@dataclass(frozen=True)
class Share:
    """One part of a request's time."""

    name: str
    part_ns: int
    words: str


def drawn_in_full(found: Journey) -> tuple[Request, ...]:
    """The requests to draw in full: the submissions; without any, the request if there is only one."""
    return found.submissions or (found.requests if len(found.requests) == 1 else ())


def contents(found: Journey) -> str:
    """`3 tasks, 31 other requests`."""
    counts = [format_count(len(found.tasks), "task")] if found.tasks else []
    if found.others:
        counts.append(format_count(len(found.others), "other request" if found.tasks else "request"))
    if found.loose_logs:
        counts.append(format_count(len(found.loose_logs), "log line"))
    return ", ".join(counts)


def tone(status: str) -> Tone:
    """Neutral for a task that was cancelled: somebody wanted it so. One that expired was sent with that wish."""
    return _TONES.get(status, "warn")


def outcome(request: Request) -> Outcome:
    done = request.has_ended
    word = request.status or f"{request.http_status or 'no answer'} {request.code}".strip()
    tone = _TONES.get(word, "warn" if request.submitted or request.refused else "good")
    took = format_duration(request.total_ns)
    return Outcome(word, tone, f" in {took}" if done else f", {took} so far")


def facts(request: Request) -> Iterator[str]:
    """What identifies the request: task type and queue, time, IDs."""
    if request.task_type:
        yield f"{request.task_type} in {request.queue}"
    yield f"{request.started:%Y-%m-%d %H:%M:%S}.{request.started.microsecond // 1000:03} UTC"
    if request.task_id:
        yield f"task {request.task_id}"
    if request.tasks and request.tasks[0].parent_id:
        yield f"submitted by task {request.tasks[0].parent_id}"
    if len(request.tasks) > 1:
        yield children(request)
    if request.trace_id:
        yield f"trace {request.trace_id}{', not sampled' if request.unsampled else ''}"
    if by := versions(request):
        yield by


def versions(request: Request) -> str:
    """`by versions 1.4.0 (nginx, api), 1.5.0 (worker)`; empty where one version did everything."""
    services: dict[str, dict[str, None]] = {}
    for step in request.steps:
        if step.version:
            services.setdefault(step.version, {})[step.service] = None
    if len(services) < 2:
        return ""
    return "by versions " + ", ".join(f"{version} ({', '.join(names)})" for version, names in services.items())


def children(request: Request) -> str:
    """`2 child tasks: 1 STARTED, 1 SUCCESS`."""
    counts = Counter(task.status for task in request.tasks[1:])
    told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    return f"{format_count(len(request.tasks) - 1, 'child task')}: {told}"


def made_of(request: Request) -> str:
    """A sentence on the steps that are drawn from log lines; empty when all have their spans."""
    missing = "spans are not written yet, were lost, or are switched off"
    match request.source:
        case Source.SPANS:
            return ""
        case Source.LINES:
            why = "this request leaves no spans (it is not sampled)" if request.unsampled else f"its {missing}"
            phases = " The phases of its run are not in them." if request.submitted else ""
            return f"Drawn from log lines: {why}.{phases}"
        case Source.BOTH:
            why = "they leave no spans (not sampled)" if request.unsampled else f"their {missing}"
            names = ", ".join(dict.fromkeys(step.name for step in request.steps if step.from_lines))
            return f"Drawn from log lines, since {why}: {names}."


def notes(request: Request) -> Iterator[str]:
    """What it is drawn from, if not from spans; the notes of its tasks: of the one submitted, and of a few children."""
    if source := made_of(request):
        yield source
    told = [task for task in request.tasks if task.note]
    for task in told[:_NOTES_SHOWN]:
        yield task.note if task is request.tasks[0] else f"Child {task.task_type} {task.task_id}: {task.note}"
    if len(told) > _NOTES_SHOWN:
        yield f"{len(told) - _NOTES_SHOWN:,} more tasks have not ended, or not all of them is recorded."


def effect(done: Effect) -> str:
    """`cancelled task 7f3a of ABC-123`."""
    of = f" of {done.correlation_id}" if done.correlation_id else ""
    if done.action == "asked to stop":
        return f"asked task {done.task_id}{of} to stop"
    return f"{done.action} task {done.task_id}{of}"


def shares(request: Request) -> tuple[Share, ...]:
    """Queue wait, run, time between attempts (those that there are) and the rest; none for a request without a task."""
    if not request.queue_wait_ns and not request.run_ns:
        return ()
    parts = [("queue wait", request.queue_wait_ns), ("run", request.run_ns), ("the rest", request.rest_ns)]
    parts.insert(2, ("between attempts", request.pause_ns))
    return tuple(
        Share(name, part, f"{name} {format_duration(part)} ({format_percent(part, request.total_ns)})")
        for name, part in parts
        if part or name == "the rest"
    )


def slowest(request: Request) -> tuple[str, str, str]:
    """The sentence on the slowest step in three parts: up to the step's name, the name, after it."""
    step = request.slowest
    where = f" on {step.node}" if step.node and step.role is not Role.WAIT else ""
    own = f"{format_duration(step.own_ns)} ({format_percent(step.own_ns, request.total_ns)})"
    return ("slowest step: " if request.has_ended else "slowest step so far: "), step.name, f"{where}, {own}"


def shown_others(others: tuple[Request, ...]) -> list[Request]:
    """The few other requests to show, by time: refusals first, so that reads do not crowd them out."""
    return sorted(sorted(others, key=lambda request: not request.refused)[:_OTHERS_SHOWN], key=lambda r: r.started)


def one_line(request: Request) -> str:
    """`GET /api/v1/tasks/1 → 404 TASK_NOT_FOUND`."""
    answer = f"{request.method} {request.path} → {request.http_status or 'no answer'} {request.code}".rstrip()
    if request.method == "POST" and request.task_id and not request.effects:
        return f"{answer}, answered with the earlier task {request.task_id}"
    return ", ".join([answer, *map(effect, request.effects)])


def time_of_day(request: Request) -> str:
    return f"{request.started:%H:%M:%S}.{request.started.microsecond // 1000:03}"


def origin(service: str, node: str) -> tuple[str, str]:
    """Service and instance; the service is empty when the instance's name contains it."""
    return ("", node) if node.startswith(service) else (service, node)
