"""What the ledger keeps of workers: what they are, what they run and ran, and each death with its cause, once."""

import asyncio
import json
import os
import signal
from collections.abc import Callable

import psutil
import pytest
from redis.asyncio import Redis

from tests.integration import faulty_worker as faults
from tests.integration.story import TIMES, Story
from throughline.ledger import keys, scripts, workers
from throughline.ledger.deaths import Death
from throughline.ledger.states import Reason, Status
from throughline.ledger.workers import Facts, Workers


@pytest.fixture
def story(broker):
    return Story(broker)


@pytest.fixture
def seen(redis_url) -> Callable[[], Workers]:
    """`seen()`: the workers as the page and the API read them, by Redis's own clock."""

    async def taken() -> Workers:
        async with Redis.from_url(redis_url, decode_responses=True) as redis:
            return await workers.take(redis)

    return lambda: asyncio.run(taken())


@pytest.fixture
def deaths(broker):
    return lambda: [Death.parse(each) for each in broker.lrange(keys.DEATHS, 0, -1)]


def lost_process(process: int, cause: str, **more: object) -> str:
    return json.dumps({"process": process, "cause": cause, "ago": 0} | more)


# A silent worker.


def test_a_worker_that_falls_silent_dies_once_with_the_tasks_that_it_ran(story, deaths):
    ran, taken = story.submit(), story.submit()
    story.beat(held=f"{ran} {taken}", instance="a")
    story.take(ran)
    died = story.time
    story.wait(40)
    (death,) = deaths()
    assert (death.worker, death.process, death.last_seen_at) == ("worker-1", None, died)
    assert death.cause == "sent no heartbeat any more"
    assert [(task.task_id, task.task_type, task.correlation_id) for task in death.tasks] == [
        (ran, "calculate_var", "ABC-1")
    ]


def test_a_worker_that_was_frozen_and_comes_back_may_die_again(story, deaths):
    story.beat(instance="a")
    story.wait(20)
    story.beat(instance="a")
    story.wait(20)
    assert [death.code for death in deaths()] == ["no_heartbeat", "no_heartbeat"]


def test_a_worker_that_stops_in_order_leaves_nothing_and_dies_not(story, deaths, broker):
    task_id = story.submit()
    story.beat(held=task_id, instance="a", facts=Facts("1.0", 5).encode())
    story.take(task_id)
    story.ledger(scripts.leave("worker-1"))
    story.wait(30)
    assert deaths() == []
    of_workers = (keys.WORKERS, keys.WORKER_SLOTS, keys.WORKER_TASKS, keys.WORKER_STARTS, keys.WORKER_FACTS)
    assert not broker.exists(*of_workers, keys.WORKER_RUNS)


# One that starts again before it was missed.


def test_a_worker_that_was_killed_and_started_again_at_once_has_died_too(story, deaths, seen):
    task_id = story.submit()
    story.beat(held=task_id, instance="a")
    story.take(task_id)
    died, story.time = story.time, story.time + 3
    assert story.beat(instance="b") == died
    (death,) = deaths()
    assert (death.code, death.last_seen_at, death.at) == ("restarted", died, story.time)
    assert [task.task_id for task in death.tasks] == [task_id]
    story.time += 3
    assert story.beat(instance="b") is None
    (worker,) = seen().workers
    assert worker.started_at == story.time - 3


def test_one_that_starts_after_its_death_was_told_is_not_told_again(story, deaths):
    story.beat(instance="a")
    story.wait(20)
    assert story.beat(instance="b") is None
    assert len(deaths()) == 1


def test_two_workers_of_one_name_do_not_tell_each_others_death_for_ever(story, deaths):
    for instance in "ababab":
        story.time += 1
        story.beat(instance=instance)
    assert len(deaths()) == 1


def test_an_earlier_versions_heartbeat_is_read_and_its_death_told_once(story, deaths, seen):
    story.beat("old 1")
    worker = next(each for each in seen().workers)
    assert (worker.name, worker.started_at, worker.facts, worker.slots) == ("old 1", None, Facts(), 4)
    story.wait(40)
    assert [death.worker for death in deaths()] == ["old 1"]


# Processes.


def test_a_lost_process_is_kept_with_its_task_and_counted(story, deaths, seen):
    task_id = story.submit()
    story.beat(held=task_id, instance="a")
    story.take(task_id)
    story.beat(instance="a", lost=[lost_process(7, "signal", detail=9, task_id=task_id, ago=0.5)])
    (death,) = deaths()
    assert (death.worker, death.process, death.cause) == ("worker-1", 7, "killed by signal 9 (SIGKILL)")
    assert death.at == story.time - 0.5
    assert [(task.task_id, task.task_type) for task in death.tasks] == [(task_id, "calculate_var")]
    assert seen().workers[0].runs.lost == 1


def test_the_list_of_deaths_is_bounded(story, deaths):
    story.beat(instance="a", lost=[lost_process(number, "exit", detail=3) for number in range(1, 150)])
    assert [death.process for death in deaths()] == list(range(149, 49, -1))


# What a worker runs.


def test_what_it_holds_is_told_with_since_when_it_runs(story, seen):
    runs, waits, ended = story.submit(), story.submit(), story.submit()
    story.beat(held=f"{runs} {waits} {ended}", instance="a", facts=Facts("2.0", 10, ((7, 20), (8, None))).encode())
    started = story.time = story.time + 1
    story.take(runs)
    story.claim(ended)
    story.store(ended, Status.SUCCESS, Reason.RETURNED, attempt="1")
    (worker,) = seen().workers
    assert [(task.task_id, task.since, task.correlation_id) for task in worker.tasks] == [
        (runs, started, "ABC-1"),
        (waits, None, "ABC-1"),
    ]
    assert [task.task_id for task in worker.running] == [runs]
    assert (worker.facts.version, worker.facts.total_memory) == ("2.0", 30)


def test_its_runs_are_counted_by_queue_and_outcome_until_it_starts_again(story, seen, broker):
    def end(status, reason):
        task_id = story.submit()
        story.take(task_id)
        story.store(task_id, status, reason, attempt="1")

    story.beat(instance="a")
    end(Status.SUCCESS, Reason.RETURNED)
    end(Status.SUCCESS, Reason.RETURNED)
    end(Status.FAILURE, Reason.FAILED)
    task_id = story.submit()
    story.take(task_id)
    story.ledger(scripts.hand_back(task_id, worker="worker-1", reason=Reason.LOST_PROCESS))
    (worker,) = seen().workers
    assert worker.runs.by_queue == {
        ("medium", Status.SUCCESS): 2,
        ("medium", Status.FAILURE): 1,
        ("medium", Status.RETRY): 1,
    }
    assert worker.runs.count() == 4
    story.beat(instance="b")
    (worker,) = seen().workers
    assert worker.runs.count() == 0


def test_a_run_that_ends_after_its_worker_was_forgotten_leaves_no_count_behind(story, broker):
    story.beat(instance="a")
    task_id = story.submit()
    story.take(task_id)
    story.ledger(scripts.leave("worker-1"))
    story.store(task_id, Status.SUCCESS, Reason.RETURNED, attempt="1")
    assert broker.exists(keys.WORKER_RUNS)
    story.sweep()
    assert not broker.exists(keys.WORKER_RUNS)


def test_one_that_takes_nothing_while_tasks_wait_is_stalled_since_then(story, seen):
    def alive():
        (worker,) = seen().workers
        return worker

    story.submit()
    for _ in range(5):
        story.beat(instance="a")
        story.sweep(5)
    since = alive().stalled_since
    assert since is not None
    story.beat(held=story.submit(), instance="a")
    story.ledger(scripts.sweep(**TIMES))
    assert alive().stalled_since is None


# A running worker's, for real: each cause.


@pytest.fixture(scope="module")
def client(client_beside_worker):
    limits = {"TASK_SOFT_TIME_LIMIT_SECONDS": "1", "TASK_TIME_LIMIT_SECONDS": "2"}
    own = {"WORKER_CONCURRENCY": "2", "SERVICE_NODE_NAME": "worker-9", "SERVICE_VERSION": "7.8.9"}
    return client_beside_worker("tests.integration.faulty_worker", **own, **limits)


@pytest.mark.parametrize(
    ("seed", "how", "cause"),
    [
        (faults.TAKES_SECONDS + 60, signal.SIGKILL, "killed by signal 9 (SIGKILL)"),
        (faults.TAKES_SECONDS + 60, signal.SIGSEGV, "killed by signal 11 (SIGSEGV)"),
        (faults.EXITS, None, "exited with code 3"),
        (faults.IGNORES_THE_SOFT_LIMIT, None, "killed by its worker: the task ran past its hard time limit"),
    ],
)
def test_a_lost_process_says_why_and_which_task_it_ran(client, seen, wait_until, seed, how, cause):
    task_id = client.send(args=[{"seed": seed}], headers={"correlation_id": "DEATH-1"})
    attempt = json.loads(wait_until(lambda: client.broker.lindex(keys.attempts(task_id), -1), 20, "it runs"))
    if how:
        os.kill(attempt["process"], how)

    def of_it() -> list[Death]:
        return [death for death in seen().deaths if task_id in {task.task_id for task in death.tasks}]

    death = wait_until(of_it, 20, "its death is told")[-1]
    assert (death.worker, death.process, death.cause) == ("worker-9", attempt["process"], cause)
    assert [task.correlation_id for task in death.tasks] == ["DEATH-1"]
    client.app.control.revoke(task_id, terminate=True)  # it would be run again
    wait_until(lambda: client.has_ended(task_id), 30, "it has ended")


def test_a_worker_says_its_version_and_the_memory_of_each_process(client, seen):
    (worker,) = (each for each in seen().workers if each.name == "worker-9")
    own = psutil.Process(os.getpid()).children(recursive=True)
    assert worker.facts.version == "7.8.9"
    assert {process for process, _ in worker.facts.processes} <= {each.pid for each in own}
    assert worker.facts.total_memory is not None
    assert worker.facts.total_memory > 30_000_000
