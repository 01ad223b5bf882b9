"""A ledger on a real Redis whose time is the test's to say, and the deeds of those who use it."""

import uuid

from throughline.ledger import keys, scripts
from throughline.ledger.envelope import Origin
from throughline.ledger.message import Queue
from throughline.ledger.record import TaskRecord
from throughline.ledger.script import Ledger
from throughline.ledger.scripts import Starter
from throughline.ledger.submission import Limits, Submission

TTL = 600
LIMITS = Limits(max_depth=500, close_depth=400, open_seconds=60, ttl=TTL, idempotency_ttl=300, memory_percent=80)
TIMES = {"missing_seconds": 0, "grace_seconds": 10, "stalled_seconds": 15, "forget_seconds": 300}
STOCK = {"task_type": "calculate_var", "queue": "medium", "correlation_id": "STOCK-1"}  # sent past the front door


class Story:
    def __init__(self, broker):
        self.redis, self.time = broker, 1_800_000_000.0
        self.ledger = Ledger(broker, clock=lambda: self.time)
        self.wait(15)  # the first sweep gives everybody time to beat

    def submit(self, task_id="", parent_id=""):
        origin = Origin("ABC-1", f"00-{'a' * 32}-{'b' * 16}-01", parent_id=parent_id, root_id=parent_id, version="1.4")
        task = Submission.of(task_id or str(uuid.uuid4()), "calculate_var", {}, Queue.MEDIUM, origin)
        assert self.ledger(scripts.submit(task, LIMITS)).position
        return task.task_id

    def claim(self, task_id, worker="worker-1", process=7, is_recorded=False, version="", take=None):
        starter = Starter(worker, process, "medium", STOCK, is_recorded, version)
        call = scripts.claim(
            task_id, starter, ttl=TTL, max_deliveries=3, celery_started="{}", celery_dead="{}", take=take
        )
        return self.ledger(call)

    def take(self, task_id, **more):
        """As a worker does it: the message leaves its queue, then a process claims."""
        self.redis.rpop("medium")
        return self.claim(task_id, **more)

    def store(
        self, task_id, state, reason, attempt="", worker="worker-1", *, error_class="", is_recorded=False, result="{}"
    ):
        call = scripts.store(
            task_id,
            state,
            reason,
            celery_result=result,
            ttl=TTL,
            worker=worker,
            record=STOCK,
            is_recorded=is_recorded,
            attempt=attempt,
            error_class=error_class,
        )
        return self.ledger(call)

    def retry(self, task_id, attempt, delay=60.0, max_retries=3):
        return self.retried(task_id, attempt, delay, max_retries).outcome

    def retried(self, task_id, attempt, delay=60.0, max_retries=3):
        call = scripts.retry(
            task_id,
            attempt=str(attempt),
            error_class="ConnectionError",
            delay=delay,
            max_retries=max_retries,
            ttl=TTL,
            celery_retry="{}",
            celery_failure="{}",
        )
        return self.ledger(call)

    def cancel(self, task_id, queue="medium"):
        call = scripts.cancel(task_id, queue=queue, ttl=TTL, celery_result=b"{}", requested_by="DELETE-1")
        return self.ledger(call)

    def position(self, task_id, queue="medium"):
        return self.ledger(scripts.position(task_id, queue=queue))

    def beat(self, worker="worker-1", held="", **more):
        return self.ledger(scripts.beat(worker, slots=4, held=held, **more))

    def sweep(self, after=3.0):
        self.time += after
        found = [one for one in self.ledger(scripts.sweep(**TIMES)) if one.kind != "died"]
        return [(one.kind, one.task_id, one.reason) for one in found]

    def wait(self, seconds):
        """What the sweeps find meanwhile, one every five seconds."""
        return [line for _ in range(0, seconds, 5) for line in self.sweep(5)]

    def record(self, task_id):
        told = self.redis.hgetall(keys.task(task_id))
        attempts = self.redis.lrange(keys.attempts(task_id), 0, -1)
        return TaskRecord.parse(task_id, told, attempts, self.redis.lrange(keys.changes(task_id), 0, -1))
