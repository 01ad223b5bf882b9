"""A deployment is told once, by whichever monitor sees it first; on a real Redis whose time is the test's."""

import asyncio
from collections.abc import Mapping

import pytest
import redis as redis_package
from redis.asyncio import Redis

from throughline.ledger import deployments, keys
from throughline.ledger.deployments import BEAT_SECONDS, Deployment, Instance, Versions
from throughline.ledger.script import Ledger

NOON = 1_800_000_000.0
Told = tuple[str, str, str]


class World:
    """Processes by `service/node`, with the version that each runs; one monitor looks at every beat."""

    def __init__(self, broker: redis_package.Redis) -> None:
        self.time = NOON
        self.ledger = Ledger(broker, clock=lambda: self.time)
        self.running: dict[str, str] = {}

    def runs(self, version: str, *processes: str) -> None:
        self.running |= dict.fromkeys(processes, version)

    def ends(self, *processes: str) -> None:
        for each in processes:
            del self.running[each]

    def beat(self) -> None:
        self.time += BEAT_SECONDS
        running = ((*process.split("/"), version) for process, version in self.running.items())
        instances = [Instance(service, node, version) for service, node, version in running]
        self.ledger(deployments.present(instances))

    def look(self) -> Versions:
        return self.ledger(deployments.look())

    def passes(self, seconds: float = 60) -> list[Told]:
        """What is told meanwhile."""
        told: list[Told] = []
        for _ in range(int(seconds / BEAT_SECONDS)):
            self.beat()
            told += map(words, self.look().deployments)
        return told

    def now(self) -> Mapping[tuple[str, str], int]:
        return {(each.service, each.version): each.instances for each in self.look().running}


def words(one: Deployment) -> Told:
    return (one.service, one.previous_version, one.version)


@pytest.fixture
def world(broker: redis_package.Redis) -> World:
    made = World(broker)
    made.runs("1.4", "api/fastapi-1", "api/fastapi-2", "worker/worker-1")
    return made


def test_the_first_start_of_a_system_is_no_deployment_and_what_runs_is_known(world: World):
    assert world.passes() == []
    assert world.now() == {("api", "1.4"): 2, ("worker", "1.4"): 1}
    assert [each.since for each in world.look().running] == [NOON + BEAT_SECONDS] * 2


def test_replicas_that_change_one_after_the_other_are_one_deployment(world: World):
    world.passes()
    at = world.time
    world.runs("1.5", "api/fastapi-1")
    assert world.passes() == [("api", "1.4", "1.5")]
    assert world.now() == {("api", "1.4"): 1, ("api", "1.5"): 1, ("worker", "1.4"): 1}

    world.runs("1.5", "api/fastapi-2", "worker/worker-1")
    assert world.passes() == [("worker", "1.4", "1.5")]
    assert world.now() == {("api", "1.5"): 2, ("worker", "1.5"): 1}
    assert [each.since for each in world.look().running if each.service == "api"] == [at + BEAT_SECONDS]


def test_both_monitors_look_and_one_of_them_tells(world: World):
    world.passes()
    world.runs("1.5", "worker/worker-1")
    world.beat()
    world.beat()
    assert [words(each) for _ in range(3) for each in world.look().deployments] == [("worker", "1.4", "1.5")]


@pytest.mark.parametrize("half_way", [True, False])
def test_a_version_that_is_taken_back_is_a_deployment_too(world: World, half_way: bool):
    world.passes()
    world.runs("1.5", "api/fastapi-1")
    assert world.passes() == [("api", "1.4", "1.5")]
    if not half_way:
        world.runs("1.5", "api/fastapi-2")
        world.passes()
    world.runs("1.4", "api/fastapi-1", "api/fastapi-2")
    assert world.passes() == [("api", "1.5", "1.4")]
    assert world.passes() == []


def test_a_system_that_was_stopped_and_started_with_another_version_is_deployed(world: World):
    world.passes()
    world.time += 3600
    world.runs("1.5", *world.running)
    assert world.passes() == [("api", "1.4", "1.5"), ("worker", "1.4", "1.5")]


@pytest.mark.parametrize("away", [20, 3600])
def test_the_same_versions_after_a_restart_or_an_outage_of_redis_are_none(world: World, away: int):
    world.runs("1.5", "api/fastapi-1")
    world.passes()
    world.time += away
    kept = dict(world.running)
    for process, version in kept.items():  # one after the other, as they find Redis again
        world.running = {}
        world.runs(version, process)
        assert world.passes(10) == []
    world.running = kept
    assert world.passes(90) == []


def test_one_that_dies_as_it_starts_has_not_run(world: World):
    world.passes()
    world.runs("1.5", "api/fastapi-3")
    world.beat()
    assert world.look().deployments == ()
    world.ends("api/fastapi-3")
    assert world.passes(120) == []


def test_one_that_is_gone_no_longer_counts(world: World):
    world.passes()
    world.ends("api/fastapi-2")
    world.passes(60)
    assert world.now() == {("api", "1.4"): 1, ("worker", "1.4"): 1}


def test_nginx_is_seen_with_requests_and_stays_while_there_are_none(world: World):
    world.runs("1.4", "nginx/nginx-1")
    world.passes()
    world.ends("nginx/nginx-1")
    assert world.passes(600) == []
    assert world.now()["nginx", "1.4"] == 1

    world.runs("1.5", "nginx/nginx-2")  # a pod of another name
    assert world.passes() == [("nginx", "1.4", "1.5")]
    assert ("nginx", "1.4") not in world.now()


def test_a_replica_that_still_tells_the_version_of_nginx_before_makes_no_second_deployment(world: World):
    world.runs("1.4", "nginx/nginx")
    world.passes()
    told: list[Told] = []
    for version in ("1.5", "1.4", "1.5"):
        world.runs(version, "nginx/nginx")
        told += world.passes(BEAT_SECONDS)
    assert told + world.passes() == [("nginx", "1.4", "1.5")]


def test_deployments_are_kept_the_latest_first_and_a_hundred_at_most(
    world: World, broker: redis_package.Redis, redis_url: str
):
    world.passes(10)
    for number in range(105):
        world.runs(f"2.{number}", "worker/worker-1")
        world.passes(10)

    async def read() -> Versions:
        async with Redis.from_url(redis_url, decode_responses=True) as client:
            return await deployments.read(client)

    kept = asyncio.run(read())
    assert [each.version for each in kept.deployments] == [f"2.{number}" for number in range(104, 4, -1)]
    assert ("worker", "2.104", 1) in [(each.service, each.version, each.instances) for each in kept.running]
    assert broker.llen(keys.DEPLOYMENTS) == 100
