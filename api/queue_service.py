"""Redis as the api sees it: one atomic round trip to submit, one to read a task, one to see who is there."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import orjson
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from api.deadline import answered_within
from api.errors import BrokerUnavailable, MemoryFull, Refusal
from api.finished_tasks import FinishedTasks
from api.group_commit import GroupCommit
from api.turnstile import Turnstile
from throughline.ledger import (
    data_loss,
    deployments,
    history_scripts,
    keys,
    queue_sample,
    redis_clock,
    scripts,
    sign_of_life,
    stored_task,
    unwritable,
    workers,
)
from throughline.ledger.answers import Health
from throughline.ledger.asked_by import AskedBy
from throughline.ledger.deployments import Instance
from throughline.ledger.durability import Durability
from throughline.ledger.queue_sample import Sample
from throughline.ledger.record import TaskRecord
from throughline.ledger.script import Call, T
from throughline.ledger.states import Status
from throughline.ledger.stored_task import StoredTask
from throughline.ledger.submission import Decision, Limits, Submission
from throughline.ledger.unarchived import Unarchived
from throughline.ledger.unwritable import Unwritable
from throughline.ledger.workers import Workers
from throughline.settings import ApiSettings

_CALLS_AT_A_TIME: Final = 16
# Connecting and answering may each take as long as the setting says; both together must stay under a second.
_CALL_TIMEOUTS: Final = 1.6


class QueueService:
    """The only place in the api that talks to Redis. Raises `BrokerUnavailable` when Redis does not answer in time."""

    def __init__(self, settings: ApiSettings) -> None:
        pool = ConnectionPool.from_url(
            settings.redis_url,
            socket_timeout=None,  # redis-py's would be a plain timeout: deadline.py says what is wrong with those here
            socket_connect_timeout=None,
            decode_responses=True,
            encoding_errors="replace",  # a stock Celery worker may have stored a pickle as a task's result
            # Redis restarted is back in half a second: worth a wait, which the answer's own deadline bounds.
            retry=Retry(ConstantBackoff(0.05), 20, supported_errors=(RedisConnectionError,)),
        )
        self._turnstile = Turnstile(_CALLS_AT_A_TIME)
        self._redis = Redis(connection_pool=pool)
        self._seconds = settings.redis_timeout_seconds * _CALL_TIMEOUTS
        self._group_commit = GroupCommit(settings.redis_url, self._seconds)
        self.unarchived = Unarchived(self._redis, self._answer_in_time)
        self._limits = Limits.of(settings)
        self._settings = settings
        self.finished = FinishedTasks(settings)
        self.durability = Durability()
        self.data_lost: float | None = None  # as it was last seen

    @property
    def kept_seconds(self) -> int:
        """How long a task is kept after its end."""
        return self._limits.ttl

    async def submit(self, submission: Submission) -> Decision:
        """Decides on the submission and, if it is taken, records and enqueues it, all in one round trip."""
        asked = time.time()
        decision = await self._change(scripts.submit(submission, self._limits))
        redis_clock.own.heard(asked, decision.at)
        return decision

    async def read(
        self, task_ids: Sequence[str], *, messages: bool = False, caller: str | None = None
    ) -> list[StoredTask | None]:
        """The tasks of these IDs, in their order; None where Redis has none, or none of the caller's."""
        async with self._answer_in_time():
            return await stored_task.read(self._redis, task_ids, messages=messages, caller=caller)

    async def position(self, task_id: str, queue: str) -> int | None:
        """How many tasks of its queue start before this one, itself included; None when it does not wait there."""
        return await self._run(scripts.position(task_id, queue=queue))

    async def silent_seconds(self, record: TaskRecord) -> float | None:
        """How long ago a running task was last heard of; None if that is fresh."""
        async with self._answer_in_time():
            return await sign_of_life.silent_seconds(self._redis, record)

    async def cancel(self, task_id: str, queue: str, by: AskedBy) -> str:
        """One of unknown, finished, cancelled (it will never start), cancelling (a worker holds it), asked_before."""
        revoked = orjson.dumps({"status": Status.REVOKED, "result": None, "traceback": None, "task_id": task_id})
        call = scripts.cancel(task_id, queue=queue, ttl=self._limits.ttl, celery_result=revoked, **by._asdict())
        return await self._change(call)

    async def dead_letters(self, most: int) -> list[str]:
        """The IDs of the dead letters, the latest first."""
        async with self._answer_in_time():
            return [str(task_id) for task_id in await self._redis.zrevrange(keys.DEAD_LETTERS, 0, most - 1)]

    async def replay(self, task_id: str, queue: str, by: AskedBy) -> bool:
        """Puts a dead letter back into its queue with all its deliveries and retries; False for any other task."""
        call = scripts.replay(task_id, queue=queue, **by._asdict())
        return await self._change(call)

    async def revive(self, task: StoredTask, by: AskedBy) -> bool:
        """The same for a dead letter that was just read from the history, with its message."""
        call = history_scripts.revive(task, ttl=self._limits.ttl, **by._asdict())
        return await self._change(call)

    async def close_circuit(self) -> bool:
        """Forgets that the circuit breaker was open; False when it was not."""
        return await self._change(scripts.close_circuit())

    async def present(self, instances: Sequence[Instance]) -> int:
        """This replica runs, and NGINX before it; answers how many replicas there are."""
        return await self._run(deployments.present(instances))

    async def look_at_clock(self) -> None:
        """How far this host's clock is ahead of Redis's."""
        async with self._answer_in_time():
            await redis_clock.own.look_async(self._redis)

    async def sample(self) -> Sample:
        """Queues, workers and circuit breaker, now."""
        async with self._answer_in_time():
            return await queue_sample.take(self._redis)

    async def workers(self) -> Workers:
        """Every worker that was seen lately, and the latest deaths."""
        async with self._answer_in_time():
            return await workers.take(self._redis)

    async def health(self) -> Health:
        """Whether Redis has room for new tasks, and the workers whose last heartbeat is recent, by Redis's clock."""
        return await self._run(scripts.health(memory_percent=self._limits.memory_percent))

    async def workers_alive(self) -> tuple[str, ...]:
        """Those workers, of a Redis that takes no write."""
        async with self._answer_in_time():
            seconds, _ = await self._redis.time()
            alive = await self._redis.zrangebyscore(keys.WORKERS, seconds - keys.WORKER_ALIVE_SECONDS, "+inf")
        return tuple(sorted(str(name) for name in alive))

    async def data_lost_at(self) -> float | None:
        """When Redis was found to have lost data, if that is not long ago."""
        async with self._answer_in_time():
            self.data_lost = await data_loss.lost_at(self._redis)
        return self.data_lost

    async def look_at_durability(self) -> None:
        """What a 201 does not promise is in `durability` then, and told if it is new."""
        async with self._answer_in_time():
            await self.durability.look(self._redis)

    async def close(self) -> None:
        await self.finished.close()
        await self._group_commit.close()
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    async def _change(self, call: Call[T]) -> T:
        return await self._run(call, is_change=True)

    async def _run(self, call: Call[T], *, is_change: bool = False) -> T:
        try:
            return await self._group_commit(call, is_change=is_change)
        except (RedisError, OSError) as error:
            raise _refusal(error) from error

    @asynccontextmanager
    async def _answer_in_time(self) -> AsyncIterator[None]:
        try:
            async with self._turnstile.passage(), answered_within(self._seconds):
                yield
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            raise _refusal(error) from error


def _refusal(error: Exception) -> Refusal:
    reason = unwritable.reason(error)
    return MemoryFull() if reason is Unwritable.MEMORY_FULL else BrokerUnavailable(reason)
