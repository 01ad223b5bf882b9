"""What goes by itself: time, heartbeats, monitors' sweeps, and the lifetimes of records."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.reference import Task
from tests.model.stage import any_task, awake, one_of, when
from tests.model.workers import EVENTS, Workers
from tests.model.world import Clock, Worker
from throughline.ledger import history_scripts, keys, scripts
from throughline.ledger.states import Status

GRACE_SECONDS = 10
# While a worker stands still, another may run its task, may end it, or nobody works; then the first one goes on.
MEANWHILE = st.sampled_from((None, "claims again", "claims again", "returns", "meets a temporary error"))
THEN = st.sampled_from(
    ("returns", "fails", "meets a temporary error", "is lost", "is handed back", "is too slow", "asks whether to stop")
)


def recorded(stage: Workers) -> list[Task]:
    """Tasks that have a record: when all have expired, time brings nothing new."""
    return [task for task in any_task(stage) if task.status is not None]


def busy(stage: Workers) -> list[Worker]:
    return [worker for worker in awake(stage) if worker.deliveries]


class Monitors(Workers):
    """Time, and who looks at it."""

    def __init__(self) -> None:
        super().__init__()
        self.last_sweep = self.grace_until = 0.0

    @when(recorded)
    @rule(seconds=st.sampled_from((0.3, 1.5, 3.0, 11, 200, 200)), beats=st.booleans())
    def wait(self, seconds: float, beats: bool) -> None:
        """For longer than a heartbeat counts only without Redis: nobody beats and nobody sweeps then, and what workers
        say meanwhile is tried again when it is back."""
        self.clock.now += seconds
        self.kombu.give_back_what_nobody_acknowledged()
        if beats:
            self.beat_all()

    @when(busy)
    @rule(worker=one_of(busy), meanwhile=MEANWHILE, then=THEN)
    def stand_still(self, worker: Worker, meanwhile: str | None, then: str) -> None:
        """A worker freezes for long enough to be taken for dead, wakes, and goes on as if nothing had been."""
        worker.frozen = True
        self.go_on(5, meanwhile)
        worker.frozen = False
        self.work_on(worker, then)

    def _live(self, seconds: float) -> None:
        self.clock.now += seconds
        self.beat_all()

    def beat_all(self) -> None:
        for worker in awake(self):
            self.beat(worker)

    @when(recorded)
    @rule(rounds=st.sampled_from((1, 3, 5)), event=st.none() | EVENTS)
    def go_on(self, rounds: int, event: str | None) -> None:
        """Time as it usually goes by: heartbeats, a sweep every five seconds, and workers that work."""
        for _ in range(rounds):
            self._live(2.4)
            for worker in awake(self) if event else ():
                self.work_on(worker, str(event))
            self._live(2.6)
            self._sweep()

    @precondition(lambda stage: not any(worker.deliveries for worker in stage.workers))
    @when(recorded)
    @rule(days=st.sampled_from((3, 5)))
    def let_days_pass(self, days: int) -> None:
        self.clock.now += days * 24 * 3600
        elapsed = self.clock.now - Clock.BEGIN
        for key in self.redis.scan_iter("*", count=1000):
            if 0 <= self.redis.ttl(key) < elapsed + 5:  # see Clock.lifetime
                self.redis.delete(key)
        for task in self.tasks.values():
            if task.status is not None and not self.redis.exists(keys.task(task.task_id)):
                task.expired()
                self.history.pop(task.task_id, None)  # as old as that, or older
            elif task.has_moved and not task.accepted and not self.redis.exists(keys.moved(task.task_id)):
                task.tombstone_expired()
                self.history.pop(task.task_id, None)
        self.idempotent = {
            key: told for key, told in self.idempotent.items() if self.redis.exists(keys.idempotency("caller", key))
        }
        self.look_at_statuses()
        self._clear_indices()

    def _clear_indices(self) -> None:
        """What has expired is still in the indices: as the monitor does it now and then."""
        for key in (keys.UNARCHIVED, keys.ENDED, keys.HOT):
            if ids := self.redis.zrange(key, 0, history_scripts.MOST_AT_ONCE - 1):
                self.run(history_scripts.reindex([str(each) for each in ids]))

    @when(recorded)
    @rule(monitors=st.sampled_from((1, 2)))
    def sweep(self, monitors: int) -> None:
        self._sweep()
        if monitors == 2:
            assert self._sweep() == 0, "the second of two sweeps puts back again what the first put back"

    def _sweep(self) -> int:
        """Answers how many tasks it put back."""
        seen = self.seen()
        found = self.run(
            scripts.sweep(missing_seconds=4.5, grace_seconds=GRACE_SECONDS, stalled_seconds=15, forget_seconds=300)
        )
        if self.clock.now - self.last_sweep > keys.WORKER_ALIVE_SECONDS:
            self.grace_until = self.clock.now + GRACE_SECONDS
        self.last_sweep = self.clock.now
        self._check_dead({one.worker for one in found if one.kind == "died"})
        put_back = [one for one in found if one.kind not in {"stalled", "died"}]
        for one in put_back:
            task = self.tasks[one.task_id]
            assert one.kind != "refused", f"the sweep could not put back {task}: {one.before}, {one.reason}"
            assert one.reason
            assert one.correlation_id == task.correlation_id
            assert task.is_open, f"{task}, {task.status}, is put back"
            if one.kind == "due":  # also beside a copy of its message that kombu gave back: claim refuses that
                assert task.status is Status.RETRY
            else:
                assert self.clock.now >= self.grace_until, f"{task} is put back before workers had time to beat again"
                assert not seen.waits(task), f"{task} waits in its queue and is put back"
                assert task.task_id not in seen.delayed, f"{task} waits for its next attempt and is put back"
                self._check_nobody_has(task)
            task.back_in_queue(one.reason)
        return len(put_back)

    def _check_dead(self, names: set[str]) -> None:
        for worker in self.workers:
            if worker.name in names:
                assert not worker.beats(self.clock.now), f"{worker} beats, and its death is told"

    def _check_nobody_has(self, task: Task) -> None:
        for worker in awake(self):
            has = task.task_id in worker.said & worker.held and worker.beats(self.clock.now)
            assert not has, f"{worker} is alive and has {task}, which is put back"
