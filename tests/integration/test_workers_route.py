"""GET /api/v1/workers on a real Redis: who may see which task, and what is told of a death."""

import asyncio

import pytest
from redis.asyncio import Redis

from api.routes.workers import WorkersView, view
from api.services.callers import ANYONE
from tests.integration.story import Story
from throughline.api_keys import Caller, Scope
from throughline.ledger import workers


@pytest.fixture
def told(redis_url):
    """`told(caller)`: the answer."""

    def answer(caller: Caller) -> WorkersView:
        async def taken() -> workers.Workers:
            async with Redis.from_url(redis_url, decode_responses=True) as redis:
                return await workers.take(redis)

        return view(asyncio.run(taken()), caller)

    return answer


def test_ids_of_a_running_task_are_for_its_own_caller_and_for_admins(broker, told):
    story = Story(broker)
    task_id = story.submit()
    story.beat(held=task_id, instance="a")
    story.take(task_id)
    broker.hset(f"tl:task:{task_id}", "caller", "desk-1")
    seen = {
        "desk-1": Caller("desk-1", frozenset({Scope.READ})),
        "desk-2": Caller("desk-2", frozenset({Scope.READ})),
        "admin": Caller("admin", frozenset(Scope)),
    }
    ids = {name: told(caller).workers[0].running[0].task_id for name, caller in seen.items()}
    assert ids == {"desk-1": task_id, "desk-2": None, "admin": task_id}
    assert told(seen["desk-2"]).workers[0].running[0].task_type == "calculate_var"
    assert told(ANYONE).workers[0].running[0].correlation_id == "ABC-1"


def test_a_death_says_its_cause_to_all_and_its_task_to_admins(broker, told):
    story = Story(broker)
    task_id = story.submit()
    story.beat(held=task_id, instance="a")
    story.take(task_id)
    story.wait(20)
    for caller, expected in ((ANYONE, task_id), (Caller("desk-2", frozenset({Scope.READ})), None)):
        (death,) = told(caller).deaths
        assert (death.cause, death.code) == ("sent no heartbeat any more", "no_heartbeat")
        assert [task.task_id for task in death.tasks] == [expected]
