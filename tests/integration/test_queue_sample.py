"""The monitor's metrics of the queues, the workers and the dead letters in Redis."""

import asyncio

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from monitor.exposition import OPENMETRICS
from monitor.metrics import Metrics
from tests.integration.ended_task import NOON, ended
from throughline.ledger import keys, queue_sample, scripts
from throughline.ledger.message import Queue
from throughline.ledger.scripts import Ledger


def told(redis_url: str) -> dict[str, float]:
    """The monitor's metrics without labels, after one sample."""

    async def sampled() -> queue_sample.Sample:
        async with Redis.from_url(redis_url, decode_responses=True) as redis:
            return await queue_sample.take(redis)

    metrics = Metrics("monitor", "1.0", workers_expected=3)
    metrics.update(asyncio.run(sampled()))
    families = text_string_to_metric_families(metrics.text().decode())
    return {sample.name: sample.value for family in families for sample in family.samples if not sample.labels}


def test_dead_letters_are_counted(broker, redis_url):
    assert told(redis_url)["throughline_dead_letters"] == 0
    broker.zadd(keys.DEAD_LETTERS, {"task-1": 1.0, "task-2": 2.0})
    assert told(redis_url)["throughline_dead_letters"] == 2


def test_in_flight_is_what_live_workers_hold_and_not_what_celery_has_still_on_its_list(broker, redis_url):
    ledger = Ledger(broker)
    for worker, held in (("worker-1", "a b"), ("worker-2", ""), ("worker-3", "c")):
        ledger(scripts.beat(worker, slots=4, held=held))
    broker.zadd(keys.WORKERS, {"worker-3": broker.time()[0] - keys.WORKER_ALIVE_SECONDS - 1})
    broker.hset(keys.CELERY_UNACKED, mapping=dict.fromkeys("vwxyz", "[]"))  # Redis was killed as they were given back
    assert told(redis_url)["throughline_tasks_in_flight"] == 2


def test_the_metrics_have_the_workers_alive_and_the_workers_expected(broker, redis_url):
    seconds, _ = broker.time()
    broker.zadd(keys.WORKERS, {"worker-1": seconds, "worker-2": seconds - keys.WORKER_ALIVE_SECONDS - 1})
    metrics = told(redis_url)
    assert (metrics["throughline_workers_alive"], metrics["throughline_workers_expected"]) == (1, 3)


ODD = ["NaN", "-1e30", "Infinity", "1e400", "9" * 400, '"yesterday"', "null", "[1]", "{}", "true", "0", "-5"]
TORN = ["", "{", "[]", "5", "{}", '{"headers": null}', '{"headers": []}', '{"headers": {}}']


@pytest.mark.parametrize("message", [f'{{"headers": {{"published_at": {value}}}}}' for value in ODD] + TORN)
def test_a_message_that_does_not_say_since_when_it_waits_has_no_age_and_is_counted(broker, redis_url, message):
    broker.rpush("high", message)

    async def sampled() -> queue_sample.Sample:
        async with Redis.from_url(redis_url, decode_responses=True) as redis:
            return await queue_sample.take(redis)

    sample = asyncio.run(sampled())
    assert (sample.depth[Queue.HIGH], sample.oldest_age[Queue.HIGH]) == (1, 0)


def test_openmetrics_shows_the_trace_of_a_task_that_ended_lately(broker, redis_url, monkeypatch: pytest.MonkeyPatch):
    for index, task_id, took, trace_id in (
        (keys.ENDED, "slow", 7.0, "a" * 32),
        (keys.HOT, "quick", 0.003, "b" * 32),
        (keys.HOT, "untraced", 0.2, ""),
    ):
        task = ended(task_id, took=took, trace_id=trace_id)
        broker.hset(keys.task(task_id), mapping=task.fields)
        broker.rpush(keys.attempts(task_id), *task.attempts)
        broker.zadd(index, {task_id: NOON + took})
    metrics = Metrics("monitor", "1.0", 3, ["word_count"])

    async def looked() -> None:
        async with Redis.from_url(redis_url, decode_responses=True) as redis:
            metrics.update(await queue_sample.take(redis))
            for _ in range(2):
                await metrics.examples.look(redis)

    asyncio.run(looked())
    monkeypatch.setattr("monitor.slow_traces.time.time", lambda: NOON + 30)
    found = {
        (sample.labels["le"], sample.exemplar.labels["trace_id"])
        for family in open_metrics(metrics.text(OPENMETRICS).decode())
        for sample in family.samples
        if sample.exemplar
    }
    assert found == {("10.0", "a" * 32), ("0.005", "b" * 32)}
