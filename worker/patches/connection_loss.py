"""A worker ends when Redis stops while a task runs.

After a lost connection kombu gives the unacknowledged messages back over a channel whose client is gone, and the task
that was running acknowledges on it later: an AttributeError each, which Celery takes for a mistake it cannot recover
from. It happens to a worker that has a process free, and so listens for work, while another process runs a task.
Messages that cannot be given back are left to the monitor's sweep.

Upstream: none found. Nearest: celery/kombu#582 (closed), the same AttributeError when a channel is closed.
Seen: Celery and kombu 5.7.0 with redis-py 8.1.0; Celery 5.6.3 and kombu 5.6.2 end in another way.
Can go: when `test_a_worker_without_the_repair_ends` in tests/integration/test_redis_stops.py fails.
"""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from kombu.transport import redis as transport
from redis.exceptions import ConnectionError as RedisConnectionError

_logger = logging.getLogger("throughline.worker")


def install() -> None:
    qos = transport.QoS
    qos.restore_unacked = _restoring(qos.restore_unacked)
    qos.ack = _connected(qos.ack)
    qos.reject = _connected(qos.reject)


def _restoring(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def restore_unacked(self: Any, client: Any = None) -> None:
        try:
            original(self, client)
        except Exception as error:
            _logger.warning("Messages are left to the sweep: Redis is away (%s)", type(error).__name__)
            self._delivered.clear()

    return restore_unacked


def _connected(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def call(self: Any, *arguments: Any, **options: Any) -> None:
        try:
            original(self, *arguments, **options)
        except AttributeError as error:
            # What Celery knows how to recover from: it connects again.
            raise RedisConnectionError("The channel was closed before the task had ended") from error

    return call
