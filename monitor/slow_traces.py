"""For each time series of a duration, the traces of tasks that took about so long lately: examples for its buckets."""

import time
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple

from prometheus_client.samples import Exemplar
from redis.asyncio import Redis

from throughline.ledger import keys
from throughline.ledger.counts import BOUNDS, OTHER
from throughline.ledger.record import TaskRecord

_MOST: Final = 200  # tasks that are read in one look
_KEPT_SECONDS: Final = 900.0
_FRESH_SECONDS: Final = 60.0  # after that, a shorter one takes the place of a longer one
_FIELDS: Final = ("task_type", "queue", "trace_id")

Series = tuple[str, tuple[str, ...]]  # a metric and its labels' values
Measured = tuple[Series, Exemplar]


class _Bucket(NamedTuple):
    series: Series
    number: int


class SlowTraces:
    """At most one for each bucket of each series; so the number of these is the bound of what is kept."""

    def __init__(self, task_types: Collection[str]) -> None:
        self._task_types = frozenset(task_types)
        self._found: dict[_Bucket, Exemplar] = {}
        self._since = 0.0

    async def look(self, redis: "Redis") -> None:
        """Reads the latest of the tasks that have ended since the last look; raises `RedisError` or `OSError`."""
        async with redis.pipeline(transaction=False) as pipe:
            for index in (keys.ENDED, keys.HOT):
                pipe.zrevrangebyscore(index, "+inf", f"({self._since}", start=0, num=_MOST, withscores=True)
            ended = [each for found in await pipe.execute() for each in found]
        if not ended:
            return
        self._since = max(score for _, score in ended)
        for record in await _read(redis, [task_id for task_id, _ in ended]):
            for series, example in measured(record, self._task_types):
                self.keep(series, example)

    def keep(self, series: Series, example: Exemplar) -> None:
        """Unless a longer one is in its place that is not old."""
        bucket = _Bucket(series, bisect_left(BOUNDS, example.value))
        before = self._found.get(bucket)
        if (
            before is None
            or example.value >= before.value
            or _age(before, float(example.timestamp or 0)) > _FRESH_SECONDS
        ):
            self._found[bucket] = example

    def of(self, series: Series) -> list[Exemplar | None]:
        """An example for each bucket, in their order; None where there is none, or an old one."""
        now = time.time()
        found = (self._found.get(_Bucket(series, number)) for number in range(len(BOUNDS) + 1))
        return [None if each is None or _age(each, now) > _KEPT_SECONDS else each for each in found]


def _age(example: Exemplar, now: float) -> float:
    return now - float(example.timestamp or 0.0)


async def _read(redis: "Redis", task_ids: list[str]) -> Iterable[TaskRecord]:
    async with redis.pipeline(transaction=False) as pipe:
        for task_id in task_ids:
            pipe.hmget(keys.task(task_id), _FIELDS)
            pipe.lrange(keys.attempts(task_id), -1, -1)
        answers = await pipe.execute()
    read = zip(task_ids, answers[::2], answers[1::2], strict=True)
    return [
        TaskRecord.parse(task_id, {name: value for name, value in zip(_FIELDS, values, strict=True) if value}, attempts)
        for task_id, values, attempts in read
    ]


def measured(record: TaskRecord, task_types: Collection[str]) -> Iterator[Measured]:
    """How long its last attempt ran and had waited, as the counts have it."""
    if not record.trace_id or not record.attempts:
        return
    last = record.attempts[-1]
    task_type = record.task_type if record.task_type in task_types else OTHER
    labels = {"trace_id": record.trace_id}
    ended = last.ran_until
    if ended is not None and last.outcome is not None:
        ran = Exemplar(labels, max(0.0, round(ended - last.started_at, 6)), ended)
        yield ("throughline.task.duration", (task_type,)), ran
        if last.version:
            yield ("throughline.version.duration", (last.version,)), ran
    if last.queue_wait is not None:
        waited = Exemplar(labels, max(0.0, last.queue_wait), last.started_at)
        yield ("throughline.task.queue_wait", (task_type, record.queue)), waited
