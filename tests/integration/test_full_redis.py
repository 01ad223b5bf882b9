"""Redis is full or takes no write: workers live, what was accepted is run, and each task has one result."""

import asyncio
import json
import shutil
import subprocess

import pytest
import redis
from celery import Celery

from api.errors import BrokerUnavailable, MemoryFull
from api.queue_service import QueueService
from api.services import health_service
from api.services.callers import ANYONE
from api.services.task_service import TaskService
from api.submission import TaskSubmission
from tests.conftest import free_port
from tests.integration.faulty_worker import TAKES_SECONDS
from throughline.ledger import keys
from throughline.ledger.states import Status
from throughline.ledger.unwritable import Unwritable
from throughline.settings import ApiSettings
from throughline.telemetry import correlation

FILE = {"appendonly": "yes", "appendfsync": "everysec"}
SAFE = {"appendfsync": "always", "maxmemory-policy": "noeviction"}
MEGABYTE = 1024 * 1024


class FaultyRedis:
    """A Redis whose disk can go, which can become a replica, and which others fill."""

    def __init__(self, folder, wait_until):
        self._folder, self._wait_until = folder, wait_until
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        folder.mkdir()
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "3600 1", "--dir", str(folder)]
        self._server = subprocess.Popen([str(shutil.which("redis-server")), *options], stdout=subprocess.DEVNULL)
        self.client = redis.Redis.from_url(self.url, decode_responses=True)
        wait_until(self._answers, 20, "Redis answers")

    def stop(self):
        self.client.close()
        self._server.kill()  # asked to end, it would want to save first
        self._server.wait(timeout=20)

    def _answers(self):
        try:
            return self.client.ping()
        except redis.RedisError:
            return False

    def strangers_fill_it(self):
        self.client.config_set("maxmemory", self.client.info("memory")["used_memory"] + 8 * MEGABYTE)
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            for number in range(100_000):
                self.client.set(f"stranger-{number}", "x" * 10_000)

    def has_less_memory_than_it_uses(self):
        self.client.config_set("maxmemory", self.client.info("memory")["used_memory"] // 2)

    def has_memory_again(self):
        self.client.config_set("maxmemory", 0)

    def becomes_a_replica(self, port="1"):
        self.client.replicaof("127.0.0.1", port)

    def is_a_copy_of(self, other):
        other.client.config_set("repl-diskless-sync-delay", 0)
        self.becomes_a_replica(str(other.port))
        link = "master_link_status"
        self._wait_until(lambda: self.client.info("replication").get(link) == "up", 20, "the copy is whole")

    def is_the_master_again(self):
        self.client.replicaof("NO", "ONE")

    def loses_its_disk(self):
        shutil.rmtree(self._folder)
        self.client.bgsave()
        self._wait_until(lambda: self.client.info()["rdb_last_bgsave_status"] == "err", 20, "saving has failed")

    def has_its_disk_again(self):
        self.client.config_set("stop-writes-on-bgsave-error", "no")

    def wants_replicas(self):
        self.client.config_set("min-replicas-to-write", 1)

    def wants_none(self):
        self.client.config_set("min-replicas-to-write", 0)


@pytest.fixture
def faulty(tmp_path, wait_until):
    server = FaultyRedis(tmp_path / "redis", wait_until)
    yield server
    server.stop()


def with_tasks(url, story):
    async def told():
        queue = QueueService(ApiSettings(redis_url=url))
        try:
            with correlation.bound("FULL-1"):
                return await story(TaskService(queue), queue)
        finally:
            await queue.close()

    return asyncio.run(told())


def submit(url, *seconds):
    """A task of each of these lengths; their IDs."""

    async def story(tasks, _):
        found = []
        for each in seconds:
            data = {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}], "seed": TAKES_SECONDS + each}
            task = TaskSubmission.model_validate({"task_type": "calculate_var", "data": data})
            found.append((await tasks.submit(task, ANYONE)).task_id)
        return found

    return with_tasks(url, story)


@pytest.fixture
def worker(faulty, start, wait_until, tmp_path):
    """`worker(name)` is a worker of two processes, started as it is in production; it is there, unless nobody waits."""

    def started(name="worker-1", module="tests.integration.faulty_worker", *, waits=True):
        options = ["-A", module, "worker", "-E", "-n", name]
        environment = {"REDIS_URL": faulty.url, "WORKER_CONCURRENCY": "2", "SERVICE_NODE_NAME": name}
        program = start("celery", *options, output=tmp_path / f"{name}.jsonl", **environment)
        if waits:
            wait_until(lambda: is_there(faulty, name), 60, f"{name} is there")
        return program

    return started


def is_there(faulty, name):
    return faulty.client.zscore(keys.WORKERS, name)


def lines(tmp_path, name):
    found = (tmp_path / f"{name}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in found if line.startswith("{")]


def statuses(faulty, task_ids):
    return {faulty.client.hget(keys.task(task_id), "status") for task_id in task_ids}


def attempts(faulty, task_ids):
    return [
        [json.loads(attempt).get("outcome") for attempt in faulty.client.lrange(keys.attempts(task_id), 0, -1)]
        for task_id in task_ids
    ]


@pytest.mark.parametrize("fills", ["strangers_fill_it", "has_less_memory_than_it_uses"])
def test_what_was_accepted_is_run_while_redis_is_full_by_workers_that_start_meanwhile_too(
    faulty, worker, wait_until, tmp_path, fills
):
    first = worker()
    accepted = submit(faulty.url, 5, 5, *[0] * 20)
    stock = [Celery(broker=faulty.url).send_task("calculate_var", [{"seed": 0}], queue="low").id for _ in range(3)]
    wait_until(lambda: faulty.client.hget(keys.task(accepted[1]), "status") == Status.STARTED, 20, "two run")

    getattr(faulty, fills)()
    second = worker("worker-2")
    wait_until(lambda: statuses(faulty, accepted + stock) == {Status.SUCCESS}, 40, "all have ended, in a full Redis")
    with pytest.raises(MemoryFull):
        submit(faulty.url, 0)
    assert attempts(faulty, accepted + stock) == [[Status.SUCCESS]] * 25
    wait_until(lambda: not faulty.client.hlen("unacked"), 20, "each message is acknowledged")
    assert (first.poll(), second.poll()) == (None, None)
    told = [line["message"] for name in ("worker-1", "worker-2") for line in lines(tmp_path, name)]
    assert not [message for message in told if "Redis error" in message]

    faulty.has_memory_again()
    new = submit(faulty.url, 0)
    wait_until(lambda: statuses(faulty, new) == {Status.SUCCESS}, 20, "a new one is run")


def test_a_redis_that_keeps_no_file_or_may_evict_is_told_once_and_when_it_is_mended(faulty, log_lines):
    told = []

    async def story(_, queue):
        for setting in ({}, {}, {"maxmemory-policy": "allkeys-lru"}, FILE, FILE | SAFE):
            for name, value in setting.items():
                faulty.client.config_set(name, value)
            await queue.look_at_durability()
            told.append([words.partition(":")[0] for words in queue.durability.risks])
        faulty.client.acl_setuser("default", commands=["-config"])
        await queue.look_at_durability()
        told.append(queue.durability.risks)

    with_tasks(faulty.url, story)
    none, evicts = "appendonly is no", "maxmemory-policy is allkeys-lru"
    assert told[:5] == [[none], [none], [none, evicts], ["appendfsync is everysec", evicts], []]
    assert "refuses CONFIG" in told[5][0]
    said = [line["message"].split(": ")[-2] for line in log_lines() if "promises less" in line["message"]]
    assert said[:3] == [none, evicts, "appendfsync is everysec"]


def waits(told, reason):
    """With a broken disk, or a lost master, Redis refuses even a PING: Celery's own connection waits."""
    refused = {Unwritable.DISK: "MISCONF", Unwritable.READ_ONLY: "Link with MASTER is down"}
    words = ("Waits until Redis takes writes", reason.words), ("Cannot connect", refused.get(reason, reason.words))
    return any(all(each in line["message"] for each in pair) for pair in words for line in told)


REFUSALS = [
    ("becomes_a_replica", "is_the_master_again", Unwritable.READ_ONLY),
    ("loses_its_disk", "has_its_disk_again", Unwritable.DISK),
    ("wants_replicas", "wants_none", Unwritable.NO_REPLICAS),
]


@pytest.mark.parametrize(("breaks", "mends", "reason"), REFUSALS)
def test_a_redis_that_takes_no_write_ends_no_worker_and_loses_no_task(
    faulty, worker, wait_until, tmp_path, breaks, mends, reason
):
    first = worker()
    accepted = submit(faulty.url, 5, 5, *[0] * 10)
    wait_until(lambda: faulty.client.hget(keys.task(accepted[1]), "status") == Status.STARTED, 20, "two run")

    getattr(faulty, breaks)()
    second = worker("worker-2", waits=False)
    wait_until(lambda: waits(lines(tmp_path, "worker-2"), reason), 20, "worker-2 waits, and says why")
    before = len(lines(tmp_path, "worker-1") + lines(tmp_path, "worker-2"))
    with pytest.raises(subprocess.TimeoutExpired):
        first.wait(timeout=7)  # longer than what it runs takes
    after = len(lines(tmp_path, "worker-1") + lines(tmp_path, "worker-2"))
    assert after - before < 20  # two processes try once a second to store their ends

    async def refused(tasks, queue):
        with pytest.raises(BrokerUnavailable, match=reason.words.partition("(")[0]):
            await tasks.cancel(accepted[-1], ANYONE)
        with pytest.raises(BrokerUnavailable):
            await queue.close_circuit()
        return await health_service.check(queue)

    with pytest.raises(BrokerUnavailable, match="Nothing was changed"):
        submit(faulty.url, 0)
    health = with_tasks(faulty.url, refused)
    assert (health.status, health.redis, health.refuses) == ("unhealthy", True, reason)

    getattr(faulty, mends)()
    wait_until(lambda: statuses(faulty, accepted) == {Status.SUCCESS}, 60, "all have ended")
    assert all(found.count(Status.SUCCESS) == 1 for found in attempts(faulty, accepted))
    wait_until(lambda: is_there(faulty, "worker-2"), 20, "worker-2 is there")
    assert (first.poll(), second.poll()) == (None, None)


def test_a_worker_that_waits_for_tasks_survives_that_its_redis_follows_another_and_is_mended(
    faulty, worker, wait_until, tmp_path
):
    first, other = worker(), FaultyRedis(tmp_path / "other", wait_until)
    ended, long = submit(faulty.url, 0, 3)
    wait_until(lambda: statuses(faulty, [ended]) == {Status.SUCCESS}, 20, "one process is free, and waits")
    wait_until(lambda: statuses(faulty, [long]) == {Status.STARTED}, 20, "the other runs a task")
    try:
        other.is_a_copy_of(faulty)
        other.is_the_master_again()
        faulty.client.config_set("replica-serve-stale-data", "no")
        faulty.is_a_copy_of(other)
        other.stop()  # from now on even what reads is refused
        told = Unwritable.READ_ONLY
        wait_until(lambda: waits(lines(tmp_path, "worker-1"), told), 20, "the worker waits, and says why")
        with pytest.raises(BrokerUnavailable, match="Nothing was changed"):
            submit(faulty.url, 0)
    finally:
        other.stop()

    faulty.is_the_master_again()
    accepted = [ended, long, *submit(faulty.url, 0)]
    wait_until(lambda: statuses(faulty, accepted) == {Status.SUCCESS}, 60, "all have ended")
    assert attempts(faulty, accepted) == [[Status.SUCCESS]] * 3
    assert first.poll() is None


@pytest.mark.parametrize("breaks", ["has_less_memory_than_it_uses", "becomes_a_replica"])
def test_a_worker_without_the_repairs_ends(faulty, worker, wait_until, breaks):
    """When this fails after an upgrade of Celery or kombu, worker/patches/full_redis.py or refused_writes.py can go."""
    program = worker(module="tests.integration.unrepaired_worker")
    accepted = submit(faulty.url, 6)  # its end is what a full Redis refuses: on a busy machine too it comes afterwards
    wait_until(lambda: statuses(faulty, accepted) == {Status.STARTED}, 20, "one process runs it, the other is free")
    getattr(faulty, breaks)()
    program.wait(timeout=60)
    assert program.returncode != 0
