"""What clients do: submit, cancel, replay, and send a task past the front door."""

import json

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.model.reference import Task
from tests.model.stage import CLOSE_DEPTH, MAX_DEPTH, OPEN_SECONDS, Stage, any_task, celery, one_of, record_of, when
from tests.model.world import KEY_LIFETIME
from throughline.ledger import history_scripts, keys, scripts
from throughline.ledger.envelope import Origin, celery_message
from throughline.ledger.message import OWN_HEADERS, Queue
from throughline.ledger.states import Status
from throughline.ledger.submission import Decision, Limits, Submission

QUEUES = st.sampled_from(Queue)


def unfinished(stage: Stage) -> list[Task]:
    return [task for task in any_task(stage) if not task.is_final] or any_task(stage)


def dead_letters(stage: Stage) -> list[Task]:
    """Wherever they are."""
    return [task for task in any_task(stage) if task.is_dead_letter or (task.past or {}).get("is_dead_letter")]


class Clients(Stage):
    """All that comes in from outside."""

    @rule(queue=QUEUES, key=st.sampled_from(("", "key-1", "key-1", "key-2")), payload=st.sampled_from("ab"))
    def submit(self, queue: Queue, key: str, payload: str) -> None:
        task = self._new(queue)
        depth = sum(self.redis.llen(each) for each in Queue)
        decision = self._submit(task, key, payload)
        if key in self.idempotent:
            first_payload, first = self.idempotent[key]
            expected = ("replayed", first) if payload == first_payload else ("key_reused", "")
            answer = (decision.outcome, decision.first_task_id)
            assert answer == expected, f"{key} with {payload}, first with {first_payload}: {answer}, not {expected}"
        elif not self.breaker.admits(depth, self.clock.now):
            assert decision.outcome == "circuit_open", f"{decision.outcome} at a depth of {depth}"
            assert decision.retry_after >= 1
        else:
            assert decision.outcome == "accepted", f"{decision.outcome} at a depth of {depth}"
            assert depth < MAX_DEPTH
            task.begins()
            task.accepted = True
            self.tasks[task.task_id] = task
            self.look_at_statuses()
            if key:
                self.idempotent[key] = (payload, task.task_id)

    @rule(queue=QUEUES, how_many=st.sampled_from((1, 1, 2, 5)), past_the_front_door=st.booleans())
    def send_some(self, queue: Queue, how_many: int, past_the_front_door: bool) -> None:
        if past_the_front_door:
            self.send_past_the_front_door(queue)
            return
        for _ in range(how_many):
            self.submit(queue, "", "a")

    def send_past_the_front_door(self, queue: Queue) -> None:
        """As any Celery client sends a task."""
        task = self._new(queue)
        message = json.loads(task.message)
        for header in OWN_HEADERS:
            message["headers"].pop(header, None)
        self.redis.lpush(queue, json.dumps(message))
        self.tasks[task.task_id] = task

    @when(any_task)
    @rule(task=one_of(unfinished), what=st.sampled_from(("cancel", "cancel", "replay", "submit again")))
    def ask_for(self, task: Task, what: str) -> None:
        """Who submits again did not hear the answer to the same submission."""
        if what == "cancel":
            self.cancel(task)
        elif what == "replay":
            self.replay(task)
        elif task.accepted and not task.has_moved:  # within a second: see front_door.lua
            assert self._submit(task, "", "a").outcome == "accepted"

    def cancel(self, task: Task) -> None:
        seen = self.seen()
        copies, is_delayed = seen.queues[task.queue].count(task.task_id), task.task_id in seen.delayed
        waits = task.status is not Status.STARTED and (copies > 0 or is_delayed)
        call = scripts.cancel(
            task.task_id,
            queue=task.queue,
            ttl=self.ttl,
            celery_result=celery(Status.REVOKED).encode(),
            requested_by="cancel-1",
        )
        answer = self.run(call)
        if task.status is None:
            assert answer == "unknown"
        elif task.is_final:
            assert answer == "finished"
        elif waits:
            assert answer == "cancelled", f"{task} waits and is {answer}"
            left = self.seen().queues[task.queue].count(task.task_id)
            assert left == copies - (not is_delayed), f"{task} is cancelled, and {left} of {copies} messages still wait"
            task.cancelled_while_it_waited()
        else:
            wanted = "asked_before" if task.cancel_requested else "cancelling"
            assert answer == wanted, f"{task} does not wait and is {answer}"
            task.asked_to_stop()

    @when(dead_letters)
    @rule(task=one_of(dead_letters))
    def replay(self, task: Task) -> None:
        if task.past and task.past["is_dead_letter"]:
            self._revive(task)
            return
        again = self.run(scripts.replay(task.task_id, queue=task.queue, requested_by="replay-1"))
        assert again == task.is_dead_letter, f"{task}, {task.status}, is replayed: {again}"
        if again:
            task.replayed()

    def _revive(self, task: Task) -> None:
        """Of two operators at once, both have read the history."""
        calls = [
            history_scripts.revive(self.history[task.task_id], ttl=self.ttl, requested_by="replay-1") for _ in range(2)
        ]
        assert [self.run(each) for each in calls] == [True, False]
        task.revived()

    def _submit(self, task: Task, key: str, payload: str) -> Decision:
        limits = Limits(
            MAX_DEPTH, CLOSE_DEPTH, OPEN_SECONDS, self.ttl, self.clock.lifetime(KEY_LIFETIME), memory_percent=80
        )
        submission = Submission(
            task_id=task.task_id,
            queue=task.queue,
            correlation_id=task.correlation_id,
            message=task.message,
            record=record_of(task),
            idempotency_key=keys.idempotency("caller", key) if key else "",
            payload_hash=payload,
        )
        return self.run(scripts.submit(submission, limits))

    def _new(self, queue: Queue) -> Task:
        number = len(self.tasks) + 1
        task_id, correlation_id = f"task-{number}", f"request-{number}"
        origin = Origin(correlation_id, traceparent="")
        data = {"text": "to be or not to be"}
        message = celery_message(task_id, "word_count", data, queue, origin, published_at=self.clock.now)
        return Task(task_id, queue, correlation_id, message)
