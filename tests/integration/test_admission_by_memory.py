"""New tasks are refused while Redis uses too much of its memory; what was accepted is finished all the same."""

import asyncio
import json

import httpx
import pytest
from redis.asyncio import Redis

from api.errors import CircuitOpen, MemoryFull
from api.queue_service import QueueService
from api.services import health_service
from api.services.callers import ANYONE
from api.services.task_service import TaskService
from api.submission import TaskSubmission
from tests import plain_http
from tests.conftest import free_port
from throughline.ledger import keys, queue_sample, scripts
from throughline.ledger.scripts import Ledger
from throughline.ledger.states import Reason
from throughline.ledger.unwritable import Unwritable
from throughline.settings import ApiSettings
from throughline.telemetry import correlation

MEGABYTE = 1024 * 1024
POSITIONS = [{"symbol": "A", "quantity": 1, "price": 1.0}]


@pytest.fixture
def memory(broker):
    """`memory(percent)`: Redis uses this share of its maxmemory. At the end it has none again."""

    def use(percent):
        broker.config_set("maxmemory", int(used(broker) / percent * 100))

    yield use
    broker.config_set("maxmemory", 0)
    broker.flushall()


def fill(broker, key, megabytes):
    """Made in Redis: what a client sends stays in its buffer for a while."""
    broker.eval("redis.call('SET', KEYS[1], string.rep('x', ARGV[1]))", 1, key, megabytes * MEGABYTE)


def used(broker):
    figures = broker.info("memory")
    return figures["used_memory"] - figures["mem_not_counted_for_evict"]


@pytest.fixture
def door(redis_url, broker):
    def run(story, **settings):
        async def told():
            queue = QueueService(ApiSettings(redis_url=redis_url, **settings))
            try:
                with correlation.bound("FULL-1"):
                    return await story(TaskService(queue))
            finally:
                await queue.close()

        return asyncio.run(told())

    return run


def submit(tasks, key=None, positions=1):
    data = {"positions": POSITIONS * positions}
    return tasks.submit(TaskSubmission.model_validate({"task_type": "calculate_var", "data": data}), ANYONE, key)


async def refusal(tasks):
    with pytest.raises((MemoryFull, CircuitOpen)) as refused:
        await submit(tasks)
    return refused.value


SHARES = [(78, 80, True), (81, 80, False), (51, 50, False), (98, 99, True)]


@pytest.mark.parametrize(("percent", "share", "is_taken"), SHARES)
def test_a_task_is_taken_up_to_the_share_of_the_memory_that_is_set(door, memory, broker, percent, share, is_taken):
    fill(broker, "stranger", 20)
    memory(percent)
    if is_taken:
        door(submit, memory_admission_percent=share)
        assert broker.llen("medium") == 1
    else:
        assert isinstance(door(refusal, memory_admission_percent=share), MemoryFull)
        assert broker.llen("medium") == 0


def test_a_redis_without_a_limit_takes_tasks(door, broker):
    broker.config_set("maxmemory", 0)
    door(submit)
    assert broker.llen("medium") == 1


def test_a_refusal_stores_nothing_of_the_task(door, memory, broker):
    memory(90)
    door(refusal)
    assert set(broker.keys()) == {keys.MEMORY}


def test_a_full_redis_still_names_the_first_task_of_an_idempotency_key(door, memory, broker):
    first = door(lambda tasks: submit(tasks, "key-1"))
    memory(150)
    again = door(lambda tasks: submit(tasks, "key-1"))
    assert (again.task_id, again.replayed) == (first.task_id, True)


def test_a_probe_of_the_breaker_that_memory_refuses_has_closed_it(door, memory, broker):
    seconds, _ = broker.time()
    broker.hset(keys.BREAKER, mapping={"state": "open", "until": seconds - 1, "wait": 60})
    memory(120)
    assert isinstance(door(refusal), MemoryFull)
    assert broker.hget(keys.BREAKER, "state") == "closed"


def test_too_many_tasks_are_told_before_too_little_memory(door, memory, broker):
    door(submit)
    memory(90)
    assert isinstance(door(refusal, circuit_max_depth=1, circuit_close_depth=1), CircuitOpen)


def test_it_is_told_once_when_it_begins_and_once_when_it_has_ended(door, memory, broker, log_lines):
    memory(90)
    for _ in range(3):
        door(refusal)
    memory(50)
    door(submit)  # it has not lasted yet: memory goes up and down
    broker.hset(keys.MEMORY, "at", broker.time()[0] - 11)
    door(submit)
    door(submit)
    told = [line["event.action"] for line in log_lines() if str(line.get("event.action")).startswith("memory.")]
    assert told == ["memory.filled", "memory.freed"]


def test_without_a_submission_the_monitors_look_tells_it(memory, broker):
    look = scripts.look_at_memory(memory_percent=80)
    now = float(broker.time()[0])
    memory(90)
    assert [Ledger(broker, clock=lambda: now)(look), Ledger(broker, clock=lambda: now + 5)(look)] == ["full", None]
    memory(50)
    assert [Ledger(broker, clock=lambda: now + 9)(look), Ledger(broker, clock=lambda: now + 20)(look)] == [
        None,
        "freed",
    ]


def test_retry_after_is_when_as_much_is_free_as_is_missing_at_the_measured_rate(door, memory, broker):
    fill(broker, "stranger", 40)
    memory(90)
    assert door(refusal).retry_after == 30  # nothing was seen to become free

    missing = used(broker) * (1 - 80 / 90)
    broker.hset(keys.MEMORY, "fall", int(missing / 100))
    assert door(refusal).retry_after == pytest.approx(100, abs=2)
    broker.hset(keys.MEMORY, "fall", int(missing * 10))
    assert door(refusal).retry_after == 1
    broker.hset(keys.MEMORY, "fall", 1)
    assert door(refusal).retry_after == 600
    broker.hset(keys.MEMORY, "fall", -1000)
    assert door(refusal).retry_after == 30


def test_how_fast_memory_becomes_free_is_measured_while_nothing_is_taken(memory, broker):
    now = float(broker.time()[0])

    def look(after):
        Ledger(broker, clock=lambda: now + after)(scripts.look_at_memory(memory_percent=80))

    for number in range(5):
        fill(broker, f"stranger-{number}", 8)
    memory(400)
    before = used(broker)
    for number in range(5):
        look(4 * number)
        look(4 * number + 0.1)  # another monitor, in the same second
        broker.delete(f"stranger-{number}")
    each = (before - used(broker)) / 5
    assert int(broker.hget(keys.MEMORY, "fall")) == pytest.approx(each / 4, rel=0.05)


def test_what_is_accepted_is_run_and_stored_beyond_the_limit(door, memory, broker):
    task_id = door(submit).task_id
    memory(300)
    ledger, record = Ledger(broker), {"correlation_id": "FULL-1", "queue": "medium"}
    ledger(scripts.beat("worker-1", slots=4, held=task_id))
    starter = scripts.Starter("worker-1", 7, "medium", record)
    claim = ledger(scripts.claim(task_id, starter, ttl=60, max_deliveries=3, celery_started="{}", celery_dead="{}"))
    assert claim.outcome == "run"
    ledger(scripts.progress(task_id, b"{}"))
    result = json.dumps({"status": "SUCCESS", "result": "x" * MEGABYTE})
    end = task_id, "SUCCESS", Reason.RETURNED
    stored = ledger(scripts.store(*end, celery_result=result, ttl=60, worker="worker-1", record=record, attempt="1"))
    assert stored
    assert broker.hget(keys.task(task_id), "status") == "SUCCESS"


def test_health_says_that_the_memory_is_full_and_which_workers_live(redis_url, memory, broker):
    Ledger(broker)(scripts.beat("worker-1", slots=4, held=""))
    memory(90)

    async def asked():
        queue = QueueService(ApiSettings(redis_url=redis_url))
        try:
            return await health_service.check(queue)
        finally:
            await queue.close()

    health = asyncio.run(asked())
    assert (health.status, health.redis, health.refuses) == ("unhealthy", True, Unwritable.MEMORY_FULL)
    assert health.workers == ("worker-1",)
    memory(50)
    assert asyncio.run(asked()).status == "healthy"


@pytest.fixture
def replica(start, redis_url, wait_until):
    port = free_port()
    start("uvicorn", "api.main:app", "--port", str(port))
    with plain_http.client(f"http://127.0.0.1:{port}", timeout=10) as client:

        def is_up():
            try:
                return client.get("/health/ready").status_code == 200
            except httpx.TransportError:
                return False

        wait_until(is_up, 30, "the replica is up")
        yield client


def test_clients_probes_and_people_are_told_in_words(replica, memory, broker):
    fill(broker, "stranger", 20)
    memory(90)

    refused = replica.post("/api/v1/tasks", json={"task_type": "calculate_var", "data": {"positions": POSITIONS}})
    assert (refused.status_code, refused.json()["code"]) == (503, "MEMORY_FULL")
    assert refused.headers["Retry-After"] == "30"
    assert "retry later" in refused.json()["detail"]

    health, head = replica.get("/health"), replica.head("/health")
    assert (health.status_code, head.status_code, head.content) == (503, 503, b"")
    assert (health.json()["status"], health.json()["code"]) == ("unhealthy", "MEMORY_FULL")
    assert health.json()["dependencies"]["redis"] == "refuses"
    assert "memory is full" in health.json()["reason"]
    ready = replica.get("/health/ready")
    assert (ready.status_code, ready.json()["status"], ready.json()["code"]) == (200, "ok", "MEMORY_FULL")
    assert replica.get("/api/v1/queues").json()["memory"]["state"] == "full"

    memory(20)
    assert replica.get("/health/ready").json() == {"status": "ok"}
    assert replica.head("/health/live").status_code == 200


def test_the_sample_has_what_redis_compares(redis_url, memory, broker, door):
    fill(broker, "stranger", 20)
    memory(90)
    door(refusal)

    async def sampled():
        async with Redis.from_url(redis_url, decode_responses=True) as redis:
            return await queue_sample.take(redis)

    sample = asyncio.run(sampled())
    assert sample.memory_full
    assert sample.memory_used / sample.memory_limit == pytest.approx(0.9, abs=0.02)
    assert sample.fields()["redis.memory.limit_bytes"] == sample.memory_limit
