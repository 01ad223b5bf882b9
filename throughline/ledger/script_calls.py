"""Runs scripts on a client of redis-py that blocks: what goes to Redis is packed here, and sent and read in one step.

redis-py's own way to a script costs a busy worker 30 µs more, and each task has three calls. Connections, their pool,
their retries and their errors are redis-py's.
"""

from collections.abc import Sequence
from typing import Any

from hiredis import pack_command
from redis import Redis
from redis.exceptions import NoScriptError


class ScriptCalls:
    """Of one client; threads may share it."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    def __call__(self, text: str, sha: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        packed = pack_command(("EVALSHA", sha, len(keys), *keys, *arguments))
        try:
            return self._sent(packed)
        except NoScriptError:
            self._redis.script_load(text)
            return self._sent(packed)

    def _sent(self, packed: bytes) -> Any:
        pool = self._redis.connection_pool
        connection = pool.get_connection()

        def ask() -> Any:
            connection.send_packed_command([packed])  # type: ignore[no-untyped-call]
            return connection.read_response()

        try:
            return connection.retry.call_with_retry(ask, lambda _: connection.disconnect())  # type: ignore[no-untyped-call]
        finally:
            pool.release(connection)
