"""What workers do: take and claim tasks, run and end them; they are stopped, killed, frozen, and go on too late."""

import json
import uuid

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.model.reference import Task
from tests.model.stage import (
    Stage,
    any_task,
    awake,
    celery,
    free,
    held,
    one_of,
    record_of,
    when,
)
from tests.model.world import Delivery, Worker
from throughline.ledger import scripts
from throughline.ledger.answers import Claim
from throughline.ledger.message import OWN_HEADERS
from throughline.ledger.script import Call
from throughline.ledger.scripts import Starter
from throughline.ledger.states import TRANSITIONS, WITHOUT_ATTEMPT, Reason, Status

MAX_DELIVERIES, MAX_RETRIES, RETRY_SECONDS = 2, 1, 4
REASONS = {(each.before, each.after, each.reason) for each in TRANSITIONS}

RETURNED = (Status.SUCCESS, Reason.RETURNED)
STORED = {"returns": RETURNED, "returns, unacknowledged": RETURNED, "fails": (Status.FAILURE, Reason.FAILED)}
GIVEN_UP = {"is lost": Reason.LOST_PROCESS, "is handed back": Reason.HANDED_BACK}
# What a worker's main process tells: its hard time limit, `celery control terminate`, Celery gives up a lost process …
ENDED_BY_MAIN_PROCESS = {
    "is too slow": (Status.FAILURE, Reason.TIME_LIMIT),
    "is terminated": (Status.REVOKED, Reason.REVOKED),
    "is given up": (Status.FAILURE, Reason.LOST_PROCESS),
}
# … and of a task that has not started.
ENDED_BEFORE = {
    "is terminated": (Status.REVOKED, Reason.REVOKED),
    "has expired": (Status.REVOKED, Reason.EXPIRED),
    "is of no known name": (Status.FAILURE, Reason.UNKNOWN_TASK),
    "cannot be read": (Status.FAILURE, Reason.INVALID_MESSAGE),
}
OTHERS = ("meets a temporary error", "meets a temporary error", "asks whether to stop", "claims again")
EVENTS = st.sampled_from(
    list(dict.fromkeys((*STORED, *GIVEN_UP, *ENDED_BY_MAIN_PROCESS, *ENDED_BEFORE))) + list(OTHERS)
)


def in_play(stage: Stage) -> list[Task]:
    """Tasks that may still be run."""
    return [task for task in any_task(stage) if not task.is_final]


class Workers(Stage):
    """What comes from worker processes, and what Celery does around them."""

    @when(in_play)
    @when(free)
    @rule(worker=one_of(free), then=st.sampled_from(("starts", "waits", "is lost")))
    def take(self, worker: Worker, then: str) -> None:
        """The main process takes a message, and notes a task that was sent past the front door."""
        if then == "is lost":  # its worker was killed before it noted the message: Celery alone would lose the task
            self.kombu.lose()
            return
        delivery = self.kombu.take(worker)
        if delivery is None:
            return
        task = self.tasks[delivery.task_id]
        if not delivery.envelope:
            status = self.run(scripts.received(task.task_id, ttl=self.ttl, record=record_of(task)))
            if task.status is None and not task.has_moved:
                task.begins()
            assert status == (task.past["status"] if task.past else task.status)
        if then == "starts":
            self.start(delivery)

    def start(self, delivery: Delivery) -> None:
        """A process of the worker claims the task, and acknowledges a message that it must not run."""
        task, worker = self.tasks[delivery.task_id], delivery.worker
        process = next(worker.processes)
        rival = self._rival_of(delivery)
        before = task.starts[-1] if task.starts else None
        is_news = before is not None and not before.told and (before.was_cut_off or task.running is not None)
        claim = self.run(self._claim(task, worker.name, process, is_recorded=delivery.envelope))
        assert (claim.outcome == "moved") == task.has_moved, f"{task} has moved: {task.has_moved}, {claim.outcome}"
        if claim.outcome in {"run", "dead"}:
            assert task.status is None or task.is_open
            assert not task.cancel_requested, f"{task} was to be cancelled and is run"
            assert rival is None, f"{rival} runs, and {delivery} is told: {claim.outcome}"
            assert claim.lost == is_news, f"{task}: the attempt before was cut off: {claim.lost}, not {is_news}"
            assert (claim.outcome == "run") == (task.deliveries < MAX_DELIVERIES), (
                f"{task}: {task.deliveries} deliveries"
            )
        match claim.outcome:
            case "run":
                task.claimed(worker.name, process)
                assert claim.attempt == task.attempt
                delivery.process, delivery.attempt = process, claim.attempt
                return
            case "dead":
                task.dead_when_claimed()
            case "cancel":
                assert task.cancel_requested
                assert task.is_open
                self._store(task, delivery, Status.REVOKED, Reason.CANCELLED, attempt="")
            case "running":
                assert self._holder_lives(task), f"{task}, {task.status}, is said to run"
            case "moved":
                pass
            case final:
                assert task.is_final
                assert final == task.status
        self.kombu.acknowledge(delivery)

    def finish(self, delivery: Delivery, end: tuple[Status, Reason], acknowledged: bool) -> None:
        self._store(self.tasks[delivery.task_id], delivery, *end, attempt=str(delivery.attempt))
        delivery.stored = True
        if acknowledged:
            self.kombu.acknowledge(delivery)

    def acknowledge(self, delivery: Delivery) -> None:
        self.kombu.acknowledge(delivery)

    def meet_a_temporary_error(self, delivery: Delivery) -> None:
        task = self.tasks[delivery.task_id]
        call = scripts.retry(
            task.task_id,
            attempt=str(delivery.attempt),
            error_class="ConnectionError",
            delay=RETRY_SECONDS,
            max_retries=MAX_RETRIES,
            ttl=self.ttl,
            celery_retry=celery(Status.RETRY),
            celery_failure=celery(Status.FAILURE),
        )
        answer = self.run(call).outcome
        if task.attempt != delivery.attempt:
            assert answer == "late", f"{delivery} does not count, and its temporary error is {answer}"
        elif not task.accepted:
            assert answer == "unstored"
            self._retry_as_celery_does(task, delivery)
        elif task.retries >= MAX_RETRIES:
            assert answer == "dead"
            task.retries_used_up()
        else:
            assert answer == "retry"
            task.retried()
        self.kombu.acknowledge(delivery)

    def _retry_as_celery_does(self, task: Task, delivery: Delivery) -> None:
        """One more message under the same ID, and RETRY is stored."""
        message = json.loads(task.message)
        for header in OWN_HEADERS:
            message["headers"].pop(header, None)
        message["properties"]["delivery_tag"] = str(uuid.uuid4())
        self.redis.lpush(task.queue, json.dumps(message))
        self._store(task, delivery, Status.RETRY, Reason.RETRIED, attempt=str(delivery.attempt))

    def ask(self, delivery: Delivery) -> None:
        """At a checkpoint; it stops if that was asked for."""
        task = self.tasks[delivery.task_id]
        asked = self.run(scripts.progress(task.task_id, b'{"fraction": 0.5}'))
        assert bool(asked) == task.cancel_requested
        task.has_progress = task.has_progress or task.status is Status.STARTED
        if asked:
            self._store(task, delivery, Status.REVOKED, Reason.CANCELLED, attempt=str(delivery.attempt))
            self.kombu.acknowledge(delivery)

    def claim_again(self, delivery: Delivery) -> None:
        """It did not hear the answer to its claim."""
        task = self.tasks[delivery.task_id]
        if task.attempt == delivery.attempt and not task.cancel_requested:
            again = self._claim(task, delivery.worker.name, delivery.process, is_recorded=delivery.envelope)
            claim = self.run(again)
            assert (claim.outcome, claim.attempt) == ("run", delivery.attempt)

    def end(self, delivery: Delivery, status: Status, reason: Reason) -> None:
        """By its worker's main process, which acknowledges the message."""
        self._store(self.tasks[delivery.task_id], delivery, status, reason, attempt="")
        self.kombu.acknowledge(delivery)

    def give_up(self, delivery: Delivery, reason: Reason) -> None:
        """Its process is lost, or its worker must stop: Celery gives the message back, re-serialised."""
        if delivery.attempt:
            task, worker = self.tasks[delivery.task_id], delivery.worker
            holds = task.running is not None and task.running.worker == worker.name
            unseen = None if reason is Reason.HANDED_BACK else 10.0
            call = scripts.hand_back(task.task_id, worker=worker.name, reason=reason, unseen_seconds=unseen)
            answer = self.run(call)
            expected = "finished" if task.is_final else "handed_back" if holds else "not_held"
            assert answer.outcome == expected, f"{delivery}: {answer.outcome}, not {expected}"
            if holds:
                task.back_in_queue(reason)
        self.kombu.give_back(delivery, at_its_end=reason is Reason.LOST_PROCESS)

    @when(in_play)
    @when(awake)
    @rule(worker=one_of(awake), which=st.sampled_from((0, 0, -1)), event=EVENTS)
    def work(self, worker: Worker, which: int, event: str) -> None:
        """`event` happens to a task that the worker has."""
        self.work_on(worker, event, which)

    @when(in_play)
    @rule(event=EVENTS)
    def work_everywhere(self, event: str) -> None:
        for worker in awake(self):
            self.work_on(worker, event)

    def work_on(self, worker: Worker, event: str, which: int = 0) -> None:
        """What comes next: it takes a task, starts one that it took, or `event` happens to one that it runs."""
        if not worker.deliveries:
            self.take(worker, then="starts")
            return
        delivery = worker.deliveries[which]
        if delivery.stored:
            self.acknowledge(delivery)
        elif delivery.attempt:
            self._go_through(delivery, event)
        elif event in ENDED_BEFORE:
            self.end(delivery, *ENDED_BEFORE[event])
        elif event in GIVEN_UP:
            self.give_up(delivery, GIVEN_UP[event])
        else:
            self.start(delivery)

    def _go_through(self, delivery: Delivery, event: str) -> None:
        if event in STORED:
            self.finish(delivery, STORED[event], acknowledged="unacknowledged" not in event)
        elif event in GIVEN_UP:
            self.give_up(delivery, GIVEN_UP[event])
        elif event in ENDED_BY_MAIN_PROCESS:
            self.end(delivery, *ENDED_BY_MAIN_PROCESS[event])
        elif event == "meets a temporary error":
            self.meet_a_temporary_error(delivery)
        elif event == "asks whether to stop":
            self.ask(delivery)
        else:
            self.claim_again(delivery)

    @rule(worker=one_of(lambda stage: stage.workers), how=st.sampled_from(("stopped", "killed", "frozen")))
    def change(self, worker: Worker, how: str) -> None:
        """A worker is stopped, killed or frozen; one that was comes back."""
        if not worker.acts:
            self.come_back(worker)
        elif how == "frozen":
            worker.frozen = True
        else:
            if how == "stopped":
                self._leave(worker)
            worker.up = False
            worker.deliveries.clear()

    def _leave(self, worker: Worker) -> None:
        for delivery in list(worker.deliveries):
            self.give_up(delivery, Reason.HANDED_BACK)
        self.ledger(scripts.leave(worker.name))
        worker.beat_at, worker.said = None, frozenset()

    def come_back(self, worker: Worker) -> None:
        """A frozen worker goes on where it was, and does not know that it was away."""
        if worker.up:
            worker.frozen = False
        else:
            self.begin(worker)

    def _claim(self, task: Task, worker: str, process: int, *, is_recorded: bool) -> Call[Claim]:
        return scripts.claim(
            task.task_id,
            Starter(worker, process, task.queue, record_of(task), is_recorded),
            ttl=self.ttl,
            max_deliveries=MAX_DELIVERIES,
            celery_started=celery(Status.STARTED),
            celery_dead=celery(Status.FAILURE),
        )

    def _store(self, task: Task, delivery: Delivery, status: Status, reason: Reason, *, attempt: str) -> None:
        call = scripts.store(
            task.task_id,
            status,
            reason,
            celery_result=celery(status),
            ttl=self.ttl,
            worker=delivery.worker.name,
            record=record_of(task),
            is_recorded=delivery.envelope,
            attempt=attempt,
            unseen_seconds=10.0 if reason is Reason.LOST_PROCESS else None,
        )
        counts = not task.has_moved and (task.status, status, reason) in REASONS
        if task.status is not None:
            own = task.running is not None and task.running.worker == delivery.worker.name
            speaks = attempt == str(task.attempt) if attempt else own or reason in WITHOUT_ATTEMPT
            counts = counts and speaks
        was_stored = self.run(call)
        assert bool(was_stored) == counts, f"{delivery}: its {status} ({reason}) is stored: {bool(was_stored)}"
        if counts and status is Status.RETRY:
            task.retried_by_celery()
        elif counts:
            task.ends(status, reason)

    def _rival_of(self, delivery: Delivery) -> Delivery | None:
        """A process that runs the same task, in a worker that is awake and known to be."""
        attempt = self.tasks[delivery.task_id].attempt
        for each in held(self):
            is_another = each is not delivery and each.task_id == delivery.task_id
            if is_another and attempt and each.attempt == attempt and each.worker.beats(self.clock.now):
                return each
        return None

    def _holder_lives(self, task: Task) -> bool:
        name = task.running.worker if task.running else None
        return any(worker.name == name and worker.beats(self.clock.now) for worker in self.workers)
