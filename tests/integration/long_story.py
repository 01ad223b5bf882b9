"""A ledger with long queues and large messages, swept as the monitor sweeps."""

import json
import uuid

from tests.integration.story import TTL, Story
from throughline.ledger import keys, scripts
from throughline.ledger.envelope import Origin
from throughline.ledger.message import Queue
from throughline.ledger.scripts import Starter
from throughline.ledger.states import Reason, Status
from throughline.ledger.submission import Limits, Submission

LIMITS = Limits(max_depth=999_999, close_depth=1, open_seconds=60, ttl=TTL, idempotency_ttl=300, memory_percent=80)
ORIGIN = Origin("ABC-1", f"00-{'a' * 32}-{'b' * 16}-01")
TIMES = {"missing_seconds": 4.5, "grace_seconds": 10, "stalled_seconds": 15, "forget_seconds": 300}


class LongStory(Story):
    def submit(self, queue="medium", data=None):
        self.time += 0.001
        task = Submission.of(str(uuid.uuid4()), "calculate_var", data or {}, Queue(queue), ORIGIN)
        assert self.ledger(scripts.submit(task, LIMITS)).outcome == "accepted"
        return task.task_id

    def submit_many(self, count, queue="medium"):
        return [self.submit(queue) for _ in range(count)]

    def sweep(self, after=5.0):
        """One sweep as the monitor makes it, call after call."""
        self.time += after
        found, first = [], "high"
        while first:
            told = self.ledger(scripts.sweep(first, **TIMES))
            found += [(one.kind, one.task_id, one.reason) for one in told if one.kind not in {"more", "died"}]
            first = next((one.queue for one in told if one.kind == "more"), "")
        return found

    def start(self, queue="medium", worker="worker-1"):
        """Takes the oldest of the queue, and claims it."""
        task_id = json.loads(self.redis.rpop(queue))["headers"]["id"]
        starter = Starter(worker, 7, queue, {"task_type": "t", "queue": queue, "correlation_id": "ABC-1"}, True)
        call = scripts.claim(task_id, starter, ttl=TTL, max_deliveries=3, celery_started="{}", celery_dead="{}")
        return task_id, self.ledger(call)

    def run(self, queue="medium"):
        task_id, claim = self.start(queue)
        assert self.store(task_id, Status.SUCCESS, Reason.RETURNED, attempt=str(claim.attempt))
        return task_id

    def give_back(self, task_id, leave, join):
        """As Celery does it: with blanks, and with a header more."""
        message = self.redis.get(keys.message(task_id))
        assert self.redis.lrem("medium", 1, message) == 1 or leave == "taken"
        told = json.loads(message)
        told["headers"]["redelivered"] = True
        getattr(self.redis, join)("medium", json.dumps(told))
