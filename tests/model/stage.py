"""What the machine's parts share: Redis, the clock, tasks, workers, and how a script is called."""

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition

from tests.model.reference import Breaker, Task
from tests.model.snapshot import Snapshot
from tests.model.world import LIFETIME, Clock, Delivery, Kombu, Worker
from throughline.ledger import keys, scripts
from throughline.ledger.script import Call, Ledger, T
from throughline.ledger.states import TRANSITIONS, Status
from throughline.ledger.stored_task import StoredTask

MAX_DEPTH, CLOSE_DEPTH, OPEN_SECONDS = 6, 3, 10
MOVES = {(each.before, each.after, script) for each in TRANSITIONS for script in each.script.split(", ")}

Rule = TypeVar("Rule", bound=Callable[..., Any])


class Stage(RuleBasedStateMachine):
    """Without rules: those are in clients.py, workers.py and monitors.py."""

    redis: ClassVar["redis.Redis"]

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushdb()
        self.clock = Clock()
        self.kombu = Kombu(self.redis, self.clock)
        self.ledger = Ledger(self.redis, clock=self.clock)
        self.tasks: dict[str, Task] = {}
        self.statuses: dict[str, Status | None] = {}
        self.workers = [Worker("worker-1"), Worker("worker-2")]
        self.breaker = Breaker(MAX_DEPTH, CLOSE_DEPTH, OPEN_SECONDS)
        self.history: dict[str, StoredTask] = {}  # stands in for the database: what was committed, by task
        self.idempotent: dict[str, tuple[str, str]] = {}  # key → payload and the first task
        for worker in self.workers:
            self.begin(worker)

    def run(self, call: Call[T]) -> T:
        """Each change of a state that the call makes is one that states.py allows to its script."""
        answer = self.ledger(call)
        before = self.statuses
        self.look_at_statuses()
        for task_id, after in self.statuses.items():
            was, script = before.get(task_id), call.script.name
            if script == "revive" and was is None and after:  # it was forgotten as a dead letter
                was = Status.FAILURE
            leaves = script == "forget" and after is None and was is not None and was.is_final
            allowed = after == was or leaves or (was, after, script) in MOVES
            assert allowed, f"{script} moved {task_id} from {was} to {after}"
        return answer

    def look_at_statuses(self) -> None:
        with self.redis.pipeline(transaction=False) as pipe:
            for task_id in self.tasks:
                pipe.hget(keys.task(task_id), "status")
            found = zip(self.tasks, pipe.execute(), strict=True)
            self.statuses = {task_id: Status(each) if each else None for task_id, each in found}

    def seen(self) -> Snapshot:
        return Snapshot.take(self.redis, self.tasks)

    @property
    def ttl(self) -> int:
        return self.clock.lifetime(LIFETIME)

    def begin(self, worker: Worker) -> None:
        worker.up, worker.frozen = True, False
        self.beat(worker)

    def beat(self, worker: Worker) -> None:
        self.ledger(scripts.beat(worker.name, slots=worker.slots, held=" ".join(sorted(worker.held))))
        worker.beat_at, worker.said = self.clock.now, worker.held


# What there is at this moment. A rule that takes one of these needs `when` there are any.

Found = Callable[[Any], list[Any]]


def one_of(found: Found) -> st.SearchStrategy[Any]:
    return st.runner().flatmap(lambda stage: st.sampled_from(found(stage)))


def when(found: Found) -> Callable[[Rule], Rule]:
    return precondition(lambda stage: bool(found(stage)))


def any_task(stage: Stage) -> list[Task]:
    return list(stage.tasks.values())


def awake(stage: Stage) -> list[Worker]:
    return [worker for worker in stage.workers if worker.acts]


def free(stage: Stage) -> list[Worker]:
    return [worker for worker in awake(stage) if len(worker.deliveries) < worker.slots]


def away(stage: Stage) -> list[Worker]:
    return [worker for worker in stage.workers if not worker.acts]


def held(stage: Stage) -> list[Delivery]:
    return [delivery for worker in awake(stage) for delivery in worker.deliveries]


def reserved(stage: Stage) -> list[Delivery]:
    return [delivery for delivery in held(stage) if not delivery.attempt]


def running(stage: Stage) -> list[Delivery]:
    return [delivery for delivery in held(stage) if delivery.attempt and not delivery.stored]


def stored(stage: Stage) -> list[Delivery]:
    return [delivery for delivery in held(stage) if delivery.stored]


# What is said of each task.


def record_of(task: Task) -> Mapping[str, str]:
    return {
        "task_type": "word_count",
        "queue": task.queue,
        "priority": task.queue,
        "caller": task.caller,
        "correlation_id": task.correlation_id,
        "trace_id": "",
    }


def celery(status: Status) -> str:
    """As Celery's own result key has it."""
    return json.dumps({"status": status, "result": None, "traceback": None})
