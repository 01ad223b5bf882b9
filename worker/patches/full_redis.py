"""A worker ends when Redis's memory is full, so that nothing is run any more and nothing becomes free.

kombu takes a message from its queue and then notes it as unacknowledged; a full Redis refuses the second, an
OutOfMemoryError that Celery takes for a mistake that it cannot recover from, and the message is lost. What a worker
writes finishes work, so it may go beyond Redis's `maxmemory`. Only a script may: each command that writes becomes one,
and so does each transaction, since a full Redis refuses whatever a MULTI would keep waiting, acknowledgements too.

A transaction that watches keys stays one. That is how a message is given back to its queue: while Redis is full, the
monitor's sweep does it. So does one of scripts, which no script may call: they have the flag themselves.

Upstream: celery/celery#5716 (open since 2019).
Seen: Celery and kombu 5.7.0.
Can go: when `test_a_worker_without_the_repairs_ends` in tests/integration/test_full_redis.py fails.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from celery.backends.redis import RedisBackend
from kombu.transport import redis as transport
from redis import Redis
from redis.client import Pipeline

from worker.patches import redis_connections

_FLAGS: Final = "#!lua flags=allow-oom\n"
_CALL: Final = f"{_FLAGS}return redis.call(unpack(ARGV))"
# The commands one after the other, each after the number of its words. One that fails answers its error, as in EXEC.
_CALL_ALL: Final = f"""{_FLAGS}
local answers, at = {{}}, 1
while at <= #ARGV do
  local words = tonumber(ARGV[at])
  answers[#answers + 1] = redis.pcall(unpack(ARGV, at + 1, at + words))
  at = at + words + 1
end
return answers
"""
# What Celery and kombu send of the commands that Redis refuses when it is full.
_REFUSED: Final = frozenset(
    {"APPEND", "HINCRBY", "HMSET", "HSET", "HSETNX", "INCR", "INCRBY", "LPUSH", "RPUSH"}
    | {"SADD", "SET", "SETEX", "SETNX", "ZADD", "ZINCRBY"}
)


def install() -> None:
    redis_connections.extend(_OneCommand)
    for owner in (transport.Channel, RedisBackend):
        owner._get_client = _with_transactions(owner._get_client)
    transport.REFRESH_BINDING = _FLAGS + transport.REFRESH_BINDING


class _OneCommand:
    """A connection of redis-py; the answers are those of the commands themselves."""

    def _construct_command_packer(self, packer: Any) -> Any:
        return _Packer(super()._construct_command_packer(packer))  # type: ignore[misc]


class _Packer:
    def __init__(self, packer: Any) -> None:
        self._packer = packer

    def pack(self, *command: Any) -> Any:
        if command[0] in _REFUSED:
            return self._packer.pack("EVAL", _CALL, 0, *command)
        return self._packer.pack(*command)


def _with_transactions(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @wraps(original)
    def _get_client(self: Any) -> Any:
        client = original(self)
        return _Client if client is Redis else client

    return _get_client


class _Client(Redis):
    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return _Transaction(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class _Transaction(Pipeline):
    def _execute_transaction(self, connection: Any, commands: Any, raise_on_error: bool) -> Any:
        if self.watching or any(command[0] == "EVALSHA" for command, _ in commands):
            return super()._execute_transaction(connection, commands, raise_on_error)
        words = [word for command, _ in commands for word in (len(command), *command)]
        connection.send_command("EVAL", _CALL_ALL, 0, *words)
        answers: list[Any] = self.parse_response(connection, "EVAL")  # type: ignore[no-untyped-call]
        if raise_on_error:
            self.raise_first_error(commands, answers)  # type: ignore[no-untyped-call]
        return [
            self.response_callbacks[command[0]](answer, **options)
            if command[0] in self.response_callbacks and not isinstance(answer, Exception)
            else answer
            for (command, options), answer in zip(commands, answers, strict=True)
        ]
