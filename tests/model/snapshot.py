"""All that Redis holds of the tasks of an example, read at one moment, and what must always be so."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from api.services.callers import ANYONE
from api.services.timeline import timeline
from tests.model.reference import Start, Task
from throughline.ledger import durations, keys
from throughline.ledger.message import Queue
from throughline.ledger.record import TaskRecord
from throughline.ledger.states import LOST, Reason, Status

SHARED = {
    keys.BREAKER,
    keys.WORKERS,
    keys.WORKER_SLOTS,
    keys.WORKER_TASKS,
    keys.WORKER_STARTS,
    keys.WORKER_RUNS,
    keys.DEATHS,
    keys.DRAIN,
    keys.PROMISES,
    keys.OPEN,
    keys.DELAYED,
    keys.DEAD_LETTERS,
    keys.UNARCHIVED,
    keys.OWNERS,
    keys.LISTED,
    keys.ENDED,
    keys.HOT,
    keys.MISSING,
    keys.SWEEP,
    keys.COUNTS,
    *map(keys.queued, Queue),
}
_INDICES = {
    keys.OPEN: "open",
    keys.DELAYED: "delayed",
    keys.DEAD_LETTERS: "dead_letters",
    keys.UNARCHIVED: "unarchived",
    keys.ENDED: "ended",
    keys.HOT: "hot",
    keys.own("ann"): "anns",
}


@dataclass(frozen=True)
class Snapshot:
    """The tasks that have a record, and who is where."""

    records: dict[str, TaskRecord]
    results: dict[str, Any]  # Celery's own, by task
    kept: set[str]  # tasks whose message is kept
    queues: dict[Queue, list[str]]  # tasks in the order in which they start
    open: set[str]
    delayed: set[str]
    dead_letters: set[str]
    unarchived: set[str]
    ended: set[str]
    hot: set[str]
    anns: set[str]
    owners: dict[str, str]
    fields: dict[str, dict[str, str]]  # of the records, as they are stored

    @classmethod
    def take(cls, client: "redis.Redis", task_ids: Iterable[str]) -> "Snapshot":
        ids = list(task_ids)
        with client.pipeline(transaction=False) as pipe:
            for queue in Queue:
                pipe.lrange(queue, 0, -1)
            for key in _INDICES:
                pipe.zrange(key, 0, -1)
            pipe.hgetall(keys.OWNERS)
            for task_id in ids:
                pipe.hgetall(keys.task(task_id))
                pipe.lrange(keys.attempts(task_id), 0, -1)
                pipe.lrange(keys.changes(task_id), 0, -1)
                pipe.exists(keys.message(task_id))
                pipe.get(keys.celery_result(task_id))
            answers = pipe.execute()
        first = len(Queue) + len(_INDICES) + 1
        shared, own = answers[:first], zip(*[iter(answers[first:])] * 5, strict=True)
        told = dict(zip(ids, own, strict=True))
        return cls(
            records={each: TaskRecord.parse(each, *told[each][:3]) for each in ids if told[each][0]},
            results={each: json.loads(told[each][4]) for each in ids if told[each][4]},
            kept={each for each in ids if told[each][3]},
            queues={
                queue: [json.loads(raw)["headers"]["id"] for raw in reversed(messages)]
                for queue, messages in zip(Queue, shared, strict=False)
            },
            fields={each: told[each][0] for each in ids},
            owners=shared[-1],
            **dict(zip(_INDICES.values(), map(set, shared[len(Queue) : -1]), strict=True)),
        )

    def waits(self, task: Task) -> bool:
        """Whether a message of the task is in its queue."""
        return task.task_id in self.queues[task.queue]

    def check(self, task: Task) -> None:
        """What must be so after each step, of one task."""
        record = self.records.get(task.task_id)
        assert (record is not None) == (task.status is not None), f"{task} has a record: {record is not None}"
        self._check_indices(task)
        if record is None:
            return
        self._check_record(task, record)
        assert _told(record) == task.history, f"{task}: its timeline tells {_told(record)}, not {task.history}"
        assert (task.task_id in self.dead_letters) == task.is_dead_letter, f"{task} is a dead letter"
        if task.is_dead_letter:
            assert record.status is Status.FAILURE, f"{task}, a dead letter, is {record.status}"
            assert task.task_id in self.kept, f"{task} is a dead letter without a message"
        if task.accepted:
            assert (task.task_id in self.open) == task.is_open, f"{task}, {record.status}, is open"
            assert task.task_id in self.kept, f"the message of {task}, {record.status}, is kept"
        if task.is_final:
            assert task.task_id not in self.open | self.delayed, f"{task} has ended and is open or delayed"
            assert self.results[task.task_id]["status"] == record.status, f"Celery's result of {task}"
        if task.accepted:
            assert (task.task_id in self.delayed) == (task.status is Status.RETRY), f"{task}, {task.status}, is delayed"

    def _check_indices(self, task: Task) -> None:
        """Where the archiver finds it, and who would list it."""
        lacks = task.status is not None and not task.is_archived
        found = [task.task_id in index for index in (self.unarchived, self.ended, self.hot)]
        expected = [lacks, lacks and task.is_final, task.is_archived]
        assert found == expected, f"{task}, {task.status}: unarchived, ended, hot are {found}, not {expected}"
        listed = (self.owners.get(task.task_id), task.task_id in self.anns)
        own = (task.owner or None, bool(task.caller)) if lacks else (None, False)
        assert listed == own, f"{task}, {task.status}: it is listed for {listed}, not {own}"
        if task.has_moved:
            left = [
                task.task_id in each for each in (self.results, self.kept, self.open, self.delayed, self.dead_letters)
            ]
            assert not any(left), f"{task} was forgotten, and left: {left}"

    def _check_record(self, task: Task, record: TaskRecord) -> None:
        runs = record.status is Status.STARTED
        assert record.status is task.status, f"{task} is {record.status}, not {task.status}"
        assert record.version == task.version, f"{task}, {task.status}: version {record.version}, not {task.version}"
        starts = [Start(each.worker, each.process, each.ended_by, each.told) for each in record.attempts]
        assert starts == task.starts, f"{task}: its attempts are {starts}, not {task.starts}"
        still_open = [each.number for each in record.attempts if each.finished_at is None]
        assert still_open == ([len(starts)] if runs else []), f"{task}, {record.status}: open attempts {still_open}"
        for each in record.attempts:
            worked_out = durations.queue_wait_of(replace(each, queue_wait=None), record)
            assert durations.queue_wait_of(each, record) == pytest.approx(worked_out, abs=0.01), f"{task}: {each}"
            if each.ended_by in LOST and each.ended_by is not Reason.HANDED_BACK:
                assert each.last_seen_at, f"{task}: {each} was lost without a sign of life"
                assert each.started_at <= each.last_seen_at <= (each.finished_at or 0), f"{task}: {each}"
        held = (record.worker, record.process, record.attempt)
        running = task.running
        expected = (running.worker, running.process, task.attempt) if running else ("", None, None)
        assert held == expected, f"{task}, {record.status}, is held by {held}, not {expected}"
        assert (record.deliveries, record.retries) == (task.deliveries, task.retries), f"{task}: deliveries, retries"
        assert (record.finished_at is not None) == task.is_final, f"{task}, {record.status}: finished_at"
        assert (record.started_at is not None) >= runs, f"{task}, {record.status}: started_at"
        if task.status is Status.PENDING:
            assert record.started_at is None, f"{task} waits, and started at {record.started_at}"
        assert (record.retry_at is not None) <= (task.status is Status.RETRY), f"{task}, {record.status}: retry_at"
        assert bool(record.progress) == task.has_progress, f"{task}, {record.status}: its progress is {record.progress}"
        assert bool(record.cancel_requested) == task.cancel_requested, f"{task}: cancel_requested"


def _told(record: TaskRecord) -> list[tuple[Status, Reason | None]]:
    told = timeline(record, record.status, None, ANYONE, now=datetime.now(UTC))
    return [(change.status, change.reason) for change in told.changes]


def without_lifetime(client: "redis.Redis") -> set[str]:
    """Our keys that stay until somebody removes them."""
    found = [str(key) for key in client.scan_iter("tl:*", count=1000)]
    with client.pipeline(transaction=False) as pipe:
        for key in found:
            pipe.ttl(key)
        return {key for key, ttl in zip(found, pipe.execute(), strict=True) if ttl < 0}


def own_indices(client: "redis.Redis") -> set[str]:
    """Of the tasks that the history lacks: each ends with the last of them."""
    owners = map(str, client.hvals(keys.OWNERS))
    return {index for owner in owners for index in (keys.own("ann"), f"{keys.OWN}{owner}")}


def lifetimes(client: "redis.Redis", task_id: str) -> Counter[str]:
    """The seconds left of each key that belongs to a task, by its kind; a key that is not there is left out."""
    kinds = {"attempts": keys.attempts, "changes": keys.changes, "message": keys.message, "record": keys.task}
    left = {kind: client.ttl(key(task_id)) for kind, key in kinds.items()}
    return Counter({kind: ttl for kind, ttl in left.items() if ttl != -2})
