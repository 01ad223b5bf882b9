"""Runs scripts on a client of redis-py that blocks: what goes to Redis is packed here, and sent and read in one step.

redis-py's own way to a script costs a busy worker 45 µs more, and each task has three calls: 30 µs for its wrappers, 15
for its pool. Connections, how they are made and lost, their retries and their errors are redis-py's.
"""

import os
from collections.abc import Sequence
from typing import Any

from redis import Redis
from redis.exceptions import NoScriptError, RedisError, ResponseError

from throughline.ledger import packed_script


class ScriptCalls:
    """Of one client; threads may share it."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        # At most one connection of the pool, which counts it as in use, for all objects of this class on that pool.
        # A call takes it out, so that no other call has it.
        self._at_hand: list[Any] = vars(redis.connection_pool).setdefault("_at_hand", [])

    def __call__(self, text: str, sha: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        packed = packed_script.call(sha, keys, arguments)
        try:
            return self._sent(packed)
        except NoScriptError:
            self._sent(packed_script.load(text))
            return self._sent(packed)

    def _sent(self, packed: bytes) -> Any:
        connection = self._taken()

        def ask() -> Any:
            connection.send_packed_command([packed])
            return connection.read_response()

        try:
            answer = connection.retry.call_with_retry(ask, lambda _: connection.disconnect())
        except ResponseError:  # an answer too
            self._put_back(connection)
            raise
        except BaseException:  # also a time limit's, between question and answer
            connection.disconnect()
            self._redis.connection_pool.release(connection)
            raise
        self._put_back(connection)
        return answer

    def _taken(self) -> Any:
        pool = self._redis.connection_pool
        try:
            connection = self._at_hand.pop()
        except IndexError:
            return pool.get_connection()
        if connection.pid != os.getpid():  # of the process that this one was forked from
            return pool.get_connection()
        if _is_ready(connection):
            return connection
        connection.disconnect()
        pool.release(connection)
        return pool.get_connection()

    def _put_back(self, connection: Any) -> None:
        if self._at_hand:
            self._redis.connection_pool.release(connection)
        else:
            self._at_hand.append(connection)


def _is_ready(connection: Any) -> bool:
    """As redis-py's pool asks before it gives one away: whether it is open, and nobody has left an answer in it."""
    try:
        return not connection.should_reconnect() and not connection.can_read()
    except (RedisError, OSError):
        return False
