"""Redis as the api sees it: one atomic round trip to submit, one to read a task, one to see who is there."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, cast

import orjson
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from api.deadline import answered_within
from api.errors import BrokerUnavailable
from api.finished_tasks import FinishedTasks
from api.turnstile import Turnstile
from throughline.ledger import keys, queue_sample
from throughline.ledger.message import Queue
from throughline.ledger.queue_sample import Sample
from throughline.ledger.states import Status
from throughline.settings import ApiSettings

_CALLS_AT_A_TIME: Final = 16
# Connecting and answering may each take as long as the setting says; both together must stay under a second.
_CALL_TIMEOUTS: Final = 1.6


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
    estimated_start: float | None = None  # seconds since 1970; None when nobody works or nothing was measured yet
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

    def __init__(self, settings: ApiSettings) -> None:
        pool = ConnectionPool.from_url(
            settings.redis_url,
            socket_timeout=None,  # redis-py's would be a plain timeout: deadline.py says what is wrong with those here
            socket_connect_timeout=None,
            decode_responses=True,
            # Redis restarted is back in half a second: worth a wait, which the answer's own deadline bounds. A script
            # that ran, but whose answer was lost, finds out that it did.
            retry=Retry(ConstantBackoff(0.05), 20, supported_errors=(RedisConnectionError,)),
        )
        self._turnstile = Turnstile(_CALLS_AT_A_TIME)
        self._redis = Redis(connection_pool=pool)
        self._front_door = self._script("front_door.lua")
        self._cancel = self._script("cancel.lua")
        self._replay = self._script("replay.lua")
        self._settings = settings
        self.finished = FinishedTasks(settings)

    def _script(self, name: str) -> AsyncScript:
        return self._redis.register_script(
            files("throughline.ledger").joinpath("lua", name).read_text(encoding="utf-8")
        )

    async def submit(self, submission: Submission) -> Decision:
        """Decides on the submission and, if it is taken, records and enqueues it, all in one round trip."""
        settings = self._settings
        script_keys = [
            keys.BREAKER,
            *Queue,
            submission.queue,
            keys.task(submission.task_id),
            keys.correlation(submission.correlation_id),
            keys.message(submission.task_id),
            keys.DRAIN,
            keys.WORKERS,
            keys.WORKER_SLOTS,
            keys.CELERY_UNACKED,
            keys.OPEN,
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
            keys.WORKER_ALIVE_SECONDS,
            *(part for field in submission.record.items() for part in field),
        ]
        async with self._answer_in_time():
            return _decision(await self._front_door(keys=script_keys, args=arguments))

    async def read(self, task_ids: list[str]) -> list[StoredTask | None]:
        """The tasks of these IDs, in their order; None where there is none."""
        async with self._answer_in_time(), self._redis.pipeline(transaction=False) as pipe:
            for task_id in task_ids:
                pipe.hgetall(keys.task(task_id))
                pipe.lrange(keys.attempts(task_id), 0, -1)
                pipe.get(keys.celery_result(task_id))
            answers = await pipe.execute()
        triples = zip(*[iter(answers)] * 3, strict=True)
        return [_stored(task_id, *triple) for task_id, triple in zip(task_ids, triples, strict=True)]

    async def tasks_of(self, correlation_id: str) -> list[str]:
        """The IDs of the tasks submitted under a correlation ID, oldest first."""
        async with self._answer_in_time():
            found = await self._redis.zrange(keys.correlation(correlation_id), 0, -1)
        return [str(task_id) for task_id in found]

    async def position(self, task_id: str, queue: str) -> int | None:
        """How many tasks of its queue start before this one, itself included; None when it does not wait there."""
        async with self._answer_in_time():
            message = await self._redis.get(keys.message(task_id))
            # Compared byte by byte inside Redis, from the end that workers take from.
            index = await self._redis.lpos(queue, str(message), rank=-1) if message else None
            return None if index is None else await self._redis.llen(queue) - cast("int", index)

    async def cancel(self, task_id: str, queue: str) -> str:
        """One of unknown, finished, cancelled (it will never start), cancelling (a worker holds it)."""
        script_keys = [
            keys.task(task_id),
            keys.message(task_id),
            queue,
            keys.celery_result(task_id),
            keys.FINISHED,
            keys.OPEN,
            keys.DELAYED,
        ]
        revoked = orjson.dumps({"status": Status.REVOKED, "result": None, "traceback": None, "task_id": task_id})
        arguments: list[str | bytes | int] = [task_id, self._settings.result_ttl_seconds, revoked]
        async with self._answer_in_time():
            return str(await self._cancel(keys=script_keys, args=arguments))

    async def dead_letters(self, most: int) -> list[str]:
        """The IDs of the dead letters, the latest first; those whose record has expired are forgotten."""
        async with self._answer_in_time():
            seconds, _ = await self._redis.time()
            await self._redis.zremrangebyscore(keys.DEAD_LETTERS, "-inf", seconds - self._settings.result_ttl_seconds)
            return [str(task_id) for task_id in await self._redis.zrevrange(keys.DEAD_LETTERS, 0, most - 1)]

    async def replay(self, task_id: str, queue: str) -> bool:
        """Puts a dead letter back into its queue with all its deliveries and retries; False for any other task."""
        script_keys = [
            keys.task(task_id),
            keys.message(task_id),
            queue,
            keys.celery_result(task_id),
            keys.OPEN,
            keys.DEAD_LETTERS,
        ]
        arguments: list[str | int] = [task_id, self._settings.result_ttl_seconds]
        async with self._answer_in_time():
            return bool(await self._replay(keys=script_keys, args=arguments))

    async def close_circuit(self) -> None:
        """Forgets that the circuit breaker was open."""
        async with self._answer_in_time():
            await self._redis.hdel(keys.BREAKER, "state", "until", "wait")

    async def sample(self) -> Sample:
        """Queues, workers and circuit breaker, now."""
        async with self._answer_in_time():
            return await queue_sample.take(self._redis)

    async def workers_alive(self) -> list[str]:
        """The names of the workers whose last heartbeat is recent, by Redis's clock."""
        async with self._answer_in_time():
            seconds, _ = await self._redis.time()
            alive = await self._redis.zrangebyscore(keys.WORKERS, seconds - keys.WORKER_ALIVE_SECONDS, "+inf")
        return sorted(str(name) for name in alive)

    async def close(self) -> None:
        await self.finished.close()
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    @asynccontextmanager
    async def _answer_in_time(self) -> AsyncIterator[None]:
        try:
            async with (
                self._turnstile.passage(),
                answered_within(self._settings.redis_timeout_seconds * _CALL_TIMEOUTS),
            ):
                yield
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            raise BrokerUnavailable from error


def _decision(answer: list[str | int]) -> Decision:
    outcome, *rest = answer
    match outcome:
        case "accepted":
            position, starts, *transitions = rest
            return Decision(
                "accepted",
                position=int(position),
                estimated_start=float(starts) if starts else None,
                transitions=tuple(map(str, transitions)),
            )
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
