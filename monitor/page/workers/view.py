"""What the page of the workers shows: pure functions from what the ledger has seen to what the template prints."""

from dataclasses import dataclass
from typing import Final

from monitor.page import moments
from throughline.journey.quantities import format_count, format_duration
from throughline.journey.summary import Tone
from throughline.ledger.deaths import Death
from throughline.ledger.states import Status
from throughline.ledger.workers import HeldTask, Workers, WorkerState

_OUTCOMES: Final = {
    Status.SUCCESS: "succeeded",
    Status.FAILURE: "failed",
    Status.RETRY: "retried",
    Status.REVOKED: "cancelled",
}
_RECENTLY_SECONDS: Final = 5.0  # a heartbeat comes every two


@dataclass(frozen=True)
class TaskView:
    """A task, with a link to its journey."""

    task_id: str
    task_type: str
    correlation_id: str
    since: str


@dataclass(frozen=True)
class WorkerView:
    """One row."""

    name: str
    word: str
    tone: Tone
    seen: str
    slots: str
    tasks: tuple[TaskView, ...]
    ran: str
    outcomes: str
    lost: str
    memory: str
    processes: str
    version: str
    since: str


@dataclass(frozen=True)
class DeathView:
    """One death."""

    who: str
    process: str
    at: str
    ago: str
    cause: str
    last_seen: str
    tasks: tuple[TaskView, ...]


@dataclass(frozen=True)
class WorkersView:
    """The page."""

    workers: tuple[WorkerView, ...]
    deaths: tuple[DeathView, ...]
    summary: str
    clocks: tuple[str, ...]  # each that is off, as a sentence


def workers_view(seen: Workers) -> WorkersView:
    alive = [worker for worker in seen.workers if worker.is_alive]
    running, slots = sum(len(worker.running) for worker in alive), sum(worker.slots for worker in alive)
    return WorkersView(
        tuple(_worker(each, seen.now) for each in seen.workers),
        tuple(_death(each, seen.now) for each in seen.deaths),
        f"{format_count(len(alive), 'worker')} alive, {running:,} of {format_count(slots, 'slot')} busy",
        tuple(f"{each}." for each in seen.clocks if each.is_off),
    )


def state(worker: WorkerState, now: float) -> tuple[str, Tone]:
    """In a word: silent is one whose heartbeat is late, before it counts as lost."""
    if not worker.is_alive:
        return "lost", "bad"
    if now - worker.last_seen_at > _RECENTLY_SECONDS:
        return "silent", "warn"
    return ("stalled", "warn") if worker.stalled_since is not None else ("alive", "good")


def sign_of_life(worker: WorkerState, now: float) -> str:
    """`last sign of life 9 s ago`; empty while there is one every two seconds."""
    silent = now - worker.last_seen_at
    return f"last sign of life {ago(silent)}" if silent > _RECENTLY_SECONDS else ""


def ago(seconds: float) -> str:
    """`9 s ago`, in whole units."""
    return f"{whole(seconds)} ago"


def whole(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def format_bytes(number: int | None) -> str:
    return "–" if number is None else f"{number / 1024**2:,.0f} MB"


def _worker(worker: WorkerState, now: float) -> WorkerView:
    word, tone = state(worker, now)
    stalled = worker.stalled_since
    takes_nothing = f"has taken nothing for {whole(now - stalled)}, though tasks wait" if stalled else ""
    runs = worker.runs
    counts = [(runs.count(outcome), words) for outcome, words in _OUTCOMES.items()]
    memories = [f"{format_bytes(memory)} in process {process}" for process, memory in worker.facts.processes]
    return WorkerView(
        name=worker.name,
        word=word,
        tone=tone,
        seen=sign_of_life(worker, now) or takes_nothing or f"seen {ago(now - worker.last_seen_at)}",
        slots=f"{len(worker.running)} of {worker.slots}",
        tasks=tuple(_task(task, now if worker.is_alive else worker.last_seen_at) for task in worker.running),
        ran=f"{runs.count():,}",
        outcomes=", ".join(f"{number:,} {words}" for number, words in counts if number),
        lost=f"{runs.lost:,} {'process' if runs.lost == 1 else 'processes'} lost" if runs.lost else "",
        memory=format_bytes(worker.facts.total_memory),
        processes="; ".join([f"{format_bytes(worker.facts.memory)} in its main process", *memories]),
        version=worker.facts.version or "–",
        since=whole(now - worker.started_at) if worker.started_at else "–",
    )


def _task(task: HeldTask, now: float) -> TaskView:
    since = f"for {format_duration(round(max(0.0, now - (task.since or now)) * 1e9))}"
    return TaskView(task.task_id, task.task_type or "a task", task.correlation_id, since)


def _death(death: Death, now: float) -> DeathView:
    silent = death.at - death.last_seen_at if death.last_seen_at else 0.0
    return DeathView(
        who=death.worker,
        process=f"process {death.process}" if death.process else "the whole worker",
        at=f"{moments.in_words(death.at)} UTC",
        ago=ago(now - death.at),
        cause=death.cause,
        last_seen=f"last sign of life {whole(silent)} before" if death.last_seen_at else "",
        tasks=tuple(
            TaskView(each.task_id, each.task_type or "a task", each.correlation_id, "") for each in death.tasks
        ),
    )
