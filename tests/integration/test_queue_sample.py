"""The monitor's metrics of the queues, the workers and the dead letters in Redis."""

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from monitor.metrics import Metrics
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
