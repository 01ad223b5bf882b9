"""Redis as the api sees it: one atomic round trip to submit, one to read a task, one to see who is there."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import orjson
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from api.errors import BrokerUnavailable
from contracts import keys
from contracts.message import Queue
from contracts.settings import Settings


@dataclass(frozen=True)
class Submission:
    """What the script needs to know of one task."""

    task_id: str
    queue: Queue
    correlation_id: str
    message: bytes
    record: Mapping[str, str]
    idempotency_key: str = ""  # the Redis key; empty when the client sent none
    payload_hash: str = ""


@dataclass(frozen=True)
class Decision:
    """The script's answer: `outcome` is accepted, replayed, key_reused or circuit_open."""

    outcome: str
    position: int = 0
    first_task_id: str = ""
    retry_after: int = 0
    transitions: tuple[str, ...] = ()


@dataclass(frozen=True)
class StoredTask:
    """All that Redis holds of one task."""

    task_id: str
    record: dict[str, str]
    attempts: list[dict[str, Any]]
    celery_meta: dict[str, Any]


class QueueService:
    """The only place in the api that talks to Redis. Raises `BrokerUnavailable` when Redis does not answer in time."""

    def __init__(self, settings: Settings) -> None:
        timeout = settings.redis_timeout_seconds
        pool = BlockingConnectionPool.from_url(
            settings.redis_url,
            max_connections=64,  # a herd of requests waits for a connection instead of opening a thousand
            timeout=timeout,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            decode_responses=True,
            retry=Retry(NoBackoff(), 0),  # the client decides on a retry, and gets its answer within a second
        )
        self._redis = Redis(connection_pool=pool)
        script = files("api.queue").joinpath("front_door.lua").read_text(encoding="utf-8")
        self._front_door = self._redis.register_script(script)
        self._settings = settings

    async def submit(self, submission: Submission) -> Decision:
        """Decides on the submission and, if it is taken, records and enqueues it, all in one round trip."""
        settings = self._settings
        script_keys = [
            keys.BREAKER,
            *Queue,
            submission.queue,
            keys.task(submission.task_id),
            keys.correlation(submission.correlation_id),
        ]
        if submission.idempotency_key:
            script_keys.append(submission.idempotency_key)
        arguments: list[str | bytes | int | float] = [
            settings.circuit_max_depth,
            settings.circuit_close_depth,
            settings.circuit_open_seconds,
            settings.result_ttl_seconds,
            submission.task_id,
            submission.message,
            submission.payload_hash,
            settings.idempotency_ttl_seconds,
            *(part for field in submission.record.items() for part in field),
        ]
        with _unavailable_as_refusal():
            answer = await self._front_door(keys=script_keys, args=arguments)
        return _decision(answer)

    async def read(self, task_ids: list[str]) -> list[StoredTask | None]:
        """The tasks of these IDs, in their order; None where there is none."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for task_id in task_ids:
                pipe.hgetall(keys.task(task_id))
                pipe.lrange(keys.attempts(task_id), 0, -1)
                pipe.get(keys.celery_result(task_id))
            with _unavailable_as_refusal():
                answers = await pipe.execute()
        triples = zip(*[iter(answers)] * 3, strict=True)
        return [_stored(task_id, *triple) for task_id, triple in zip(task_ids, triples, strict=True)]

    async def tasks_of(self, correlation_id: str) -> list[str]:
        """The IDs of the tasks submitted under a correlation ID, oldest first."""
        with _unavailable_as_refusal():
            found = await self._redis.zrange(keys.correlation(correlation_id), 0, -1)
        return [str(task_id) for task_id in found]

    async def workers_alive(self) -> list[str]:
        """The names of the workers whose last heartbeat is recent, by Redis's clock."""
        with _unavailable_as_refusal():
            seconds, _ = await self._redis.time()
            alive = await self._redis.zrangebyscore(keys.WORKERS, seconds - keys.WORKER_ALIVE_SECONDS, "+inf")
        return sorted(str(name) for name in alive)

    async def close(self) -> None:
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()


@contextmanager
def _unavailable_as_refusal() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise BrokerUnavailable from error


def _decision(answer: list[str | int]) -> Decision:
    outcome, *rest = answer
    match outcome:
        case "accepted":
            return Decision("accepted", position=int(rest[0]), transitions=tuple(map(str, rest[1:])))
        case "replayed":
            return Decision("replayed", first_task_id=str(rest[0]))
        case "circuit_open":
            return Decision("circuit_open", retry_after=int(rest[0]), transitions=tuple(map(str, rest[1:])))
        case _:
            return Decision("key_reused")


def _stored(task_id: str, record: dict[str, str], attempts: list[str], celery_meta: str | None) -> StoredTask | None:
    if not record:
        return None
    return StoredTask(
        task_id,
        record,
        [orjson.loads(attempt) for attempt in attempts],
        orjson.loads(celery_meta) if celery_meta else {},
    )
