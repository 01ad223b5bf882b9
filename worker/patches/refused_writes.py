"""A worker ends when Redis answers and takes no write: a read-only replica after a failover, a disk that is full.

redis-py raises a ResponseError, which Celery takes for a mistake that it cannot recover from. Here it is an OSError
too: for Celery the same as a Redis that is away, so that it connects again, and waits as long as it takes.

Upstream: celery/celery#6348 (open since 2020), and celery/celery#10096.
Seen: Celery and kombu 5.7.0 with redis-py 8.1.0.
Can go: when `test_a_worker_without_the_repairs_ends` in tests/integration/test_full_redis.py fails.
"""

from typing import Any

from redis.exceptions import ResponseError

from throughline.ledger import unwritable
from throughline.ledger.unwritable import Unwritable
from worker.patches import redis_connections


def install() -> None:
    redis_connections.extend(_TellsRefusals)


class WriteRefused(ResponseError, OSError):
    """Redis takes no write now."""

    def __init__(self, words: str, reason: Unwritable) -> None:
        super().__init__(words)
        self.reason = reason


class _TellsRefusals:
    """A connection of redis-py; of a transaction, each answer may be an error of its own."""

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        try:
            answer = super().read_response(*arguments, **options)  # type: ignore[misc]
        except ResponseError as error:
            told = _told(error)
            if told is error:
                raise
            raise told from error
        return [_told(each) for each in answer] if isinstance(answer, list) else answer


def _told(answer: Any) -> Any:
    reason = unwritable.reason(answer) if isinstance(answer, ResponseError) else None
    return WriteRefused(str(answer), reason) if reason else answer
