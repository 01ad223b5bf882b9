"""A Redis that holds many tasks: waiting ones, or ended ones that were not forgotten yet."""

import uuid
from typing import Final

from redis import Redis

from throughline.ledger import scripts
from throughline.ledger.envelope import Origin
from throughline.ledger.message import Queue
from throughline.ledger.scripts import Ledger, Starter
from throughline.ledger.states import Reason, Status
from throughline.ledger.submission import Limits, Submission

_DATA: Final = {"portfolio_data": {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]}}
_TTL: Final = 604_800
_LIMITS: Final = Limits(
    max_depth=10_000_000, close_depth=1, open_seconds=60, ttl=_TTL, idempotency_ttl=300, memory_percent=80
)
_ENDED: Final = '{"status":"SUCCESS","result":{"var_amount":983.0},"traceback":null,"children":[]}'


def submit_many(redis: "Redis", count: int, queue: Queue = Queue.MEDIUM) -> list[str]:
    """The IDs of tasks that wait from now on, each under a correlation ID of its own."""
    ledger = Ledger(redis)
    waiting = []
    for _ in range(count):
        task_id = str(uuid.uuid4())
        origin = Origin(task_id, f"00-{uuid.uuid4().hex}-{'b' * 16}-01")
        assert ledger(scripts.submit(Submission.of(task_id, "calculate_var", _DATA, queue, origin), _LIMITS)).position
        waiting.append(task_id)
    return waiting


def end_many(redis: "Redis", count: int) -> None:
    """Tasks that were submitted, claimed and ended, each by its script."""
    ledger = Ledger(redis)
    for task_id in submit_many(redis, count, Queue.LOW):
        redis.rpop(Queue.LOW)
        record = {"task_type": "calculate_var", "queue": Queue.LOW.value, "correlation_id": task_id}
        starter = Starter("worker-1", 7, Queue.LOW.value, record, True)
        claim = scripts.claim(task_id, starter, ttl=_TTL, max_deliveries=3, celery_started="{}", celery_dead="{}")
        end = scripts.store(
            task_id,
            Status.SUCCESS,
            Reason.RETURNED,
            celery_result=_ENDED,
            ttl=_TTL,
            attempt=str(ledger(claim).attempt),
            worker="worker-1",
            error_class="",
            record=record,
            is_recorded=True,
        )
        assert ledger(end)
