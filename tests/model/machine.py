"""The whole machine: what must be so after each step, and at the end of all, when everything has come to rest."""

import sys
from collections import Counter
from typing import ClassVar, cast

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant

from tests.model.archivers import Archivers
from tests.model.clients import QUEUES
from tests.model.reference import Task
from tests.model.snapshot import SHARED, Snapshot, lifetimes, own_indices, without_lifetime
from tests.model.stage import awake, away, free, held, reserved, running, stored
from tests.model.workers import RETURNED
from throughline.ledger import keys, scripts
from throughline.ledger.counts import Counts
from throughline.ledger.message import Queue
from throughline.ledger.states import Reason, Status

Move = tuple[Status | None, Status, Reason | None]


class LifeOfTasks(Archivers):
    """Each rule is one thing that happens; after each, Redis must agree with the reference."""

    moves: ClassVar[Counter[Move]] = Counter()  # how often each change of a state was seen

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0

    @initialize(
        first=st.lists(
            st.tuples(QUEUES, st.sampled_from(("waits", "runs", "is sent by Celery"))), min_size=1, max_size=4
        )
    )
    def begin_with(self, first: list[tuple[Queue, str]]) -> None:
        """Tasks to start with: Hypothesis leaves many rules out of each example, and submissions may be among those."""
        for queue, how in first:
            if how == "is sent by Celery":
                self.send_past_the_front_door(queue)
            else:
                self.submit(queue, "", "a")
            if how == "runs" and free(self):
                self.take(free(self)[0], then="starts")

    @invariant()
    def redis_agrees_with_the_reference(self) -> None:
        seen = self.seen()
        for task in self.tasks.values():
            seen.check(task)
        self.check_history()
        self._check_counts()
        self.steps += 1
        if self.tasks:
            asked = list(self.tasks.values())[self.steps % len(self.tasks)]
            place = self.ledger(scripts.position(asked.task_id, queue=asked.queue))
            waiting = seen.queues[asked.queue]
            assert (place is not None) == seen.waits(asked), f"{asked}: its position is {place}"
            assert place is None or waiting[place - 1] == asked.task_id, (
                f"{asked} is not at position {place}: {waiting}"
            )

    def _check_counts(self) -> None:
        """Each end of a run and of a task once, whatever Redis has forgotten of it since."""
        told = Counts.parse(cast("dict[str, str]", self.redis.hgetall(keys.COUNTS)), self.clock.now)
        ran, ended, seen_ran, seen_ended = Counter[Status](), Counter[Status](), Counter[Status](), Counter[Status]()
        for task in self.tasks.values():
            ran += task.ran
            ended += task.ended_as
        for run, measured in told.ran.items():
            seen_ran[run.status] += measured.count
        for end, number in told.ended.items():
            seen_ended[end.status] += number
        assert seen_ran == ran, f"counted {seen_ran}, not {ran}"
        assert seen_ended == ended, f"counted {seen_ended}, not {ended}"
        waits = told.waits().count
        assert waits == ran.total(), f"{waits} waits before {ran.total()} runs"

    def teardown(self) -> None:
        if sys.exc_info()[0] is None:  # after a step that failed there is no more to learn
            self._settle()
            self._run_all()
            self._wake_all()
            self._check_rest()
            self._archive_all()

    def _settle(self) -> None:
        """Workers and monitors go on: soon each accepted task is where it can be run from."""
        quiet = 0
        for _ in range(60):
            self.go_on(1, None)
            seen = self.seen()
            quiet = 0 if seen.delayed or self._nowhere(seen) else quiet + 1
            if quiet == 2:
                return
        raise AssertionError(f"after five minutes nobody has {self._nowhere(self.seen())}")

    def _nowhere(self, seen: Snapshot) -> list[Task]:
        by_living = {task_id for worker in awake(self) for task_id in worker.held}
        unfinished = [task for task in self.tasks.values() if task.accepted and task.is_open]
        return [each for each in unfinished if not seen.waits(each) and each.task_id not in by_living | seen.delayed]

    def _run_all(self) -> None:
        """Workers that are awake run all that there is; two take at a time, so that two copies of a message meet."""
        if not awake(self):
            self.come_back(self.workers[0])
        for _ in range(100):
            for delivery in running(self):
                self.finish(delivery, RETURNED, acknowledged=True)
            for delivery in stored(self):
                self.acknowledge(delivery)
            for delivery in reserved(self):
                self.start(delivery)
            for worker in free(self):
                self.take(worker, then="starts")
            if not held(self):
                left = [task for task in self.tasks.values() if task.accepted and task.is_open]
                if not left and not any(map(self.redis.exists, ("high", "medium", "low"))):
                    return
                self.go_on(1, None)
        raise AssertionError(f"these tasks come to no end: {left}")

    def _wake_all(self) -> None:
        """All accepted tasks have ended by now: what a frozen worker has to say of them changes nothing."""
        for worker in (each for each in away(self) if each.frozen and each.up):
            self.come_back(worker)
            for delivery in list(worker.deliveries):
                if not delivery.attempt:
                    self.start(delivery)
                if delivery.attempt and not delivery.stored:
                    self.finish(delivery, RETURNED, acknowledged=False)
                if delivery in worker.deliveries:
                    self.acknowledge(delivery)

    def _archive_all(self) -> None:
        """Each task that was accepted is in the history now, unless it expired before anybody archived it."""
        self.archive("copies", forgets=True)
        self.redis_agrees_with_the_reference()
        left = {task.task_id for task in self.tasks.values() if task.status is not None}
        lost = {task.task_id for task in self.tasks.values() if task.is_open and not task.accepted}  # by Celery
        assert left == lost, f"{left - lost} stay in Redis"
        assert self.seen().unarchived == lost
        for key in (keys.ENDED, keys.HOT, keys.DEAD_LETTERS):
            assert not self.redis.exists(key), f"{key} has {self.redis.zrange(key, 0, -1)}"

    def _check_rest(self) -> None:
        self.go_on(2, None)
        self.redis_agrees_with_the_reference()
        seen = self.seen()
        assert without_lifetime(self.redis) <= SHARED | own_indices(self.redis)
        assert not self.redis.exists(keys.MISSING), f"missed at rest: {self.redis.hgetall(keys.MISSING)}"
        assert seen.open | seen.delayed == set()
        assert seen.dead_letters == {task.task_id for task in self.tasks.values() if task.is_dead_letter}
        for task in self.tasks.values():
            left = lifetimes(self.redis, task.task_id)
            lives = left.pop("record", 0)
            for kind, seconds in left.items():
                assert abs(seconds - lives) < 5, f"{task}: its record lives for {lives} s, its {kind} for {seconds} s"
            states = [None, *(status for status, _ in task.history)]
            self.moves.update((before, *told) for before, told in zip(states, task.history, strict=False))
