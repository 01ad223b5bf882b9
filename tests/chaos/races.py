"""Faults that are no broken part: two clients, or a client and a worker, want different things at the same moment."""

import random
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Final

import httpx

from tests import plain_http
from tests.chaos.steps import Step, kill_now, wait
from tests.chaos.traffic import QUICK, Traffic
from tests.kept_tasks import kept
from tests.system.nine import Nine
from throughline.ledger.states import Status

_THREADS: Final = 8
_SECONDS: Final = 600  # of a machine that is busy with much else
_CANCELLED, _ASKED, _TOO_LATE = 200, 202, 409  # what DELETE answers; 202 a replay too
_LATE: Final = {502, 503, 504}


def cancelled_within(seconds: float, races: int, **data: float) -> Step:
    """Each task is cancelled some time within so many seconds, and ends as the answer said it would."""

    def step(nine: Nine, traffic: Traffic) -> None:
        with ThreadPoolExecutor(_THREADS) as threads:
            told = dict(threads.map(lambda _: _submit_and_cancel(nine, traffic, seconds, data), range(races)))
        _ended_as_told(nine, told)

    return step


def cancelled_while_put_back(nine: Nine, traffic: Traffic) -> None:
    """Their worker is killed; all that it ran is cancelled while others take it."""
    running = [task_id for _ in range(12) if (task_id := _submit(traffic, takes=3))]
    wait(lambda: any(task.record.worker == "worker-2" for task in kept(nine, running).values()), "worker-2 runs one")
    kill_now(nine, "worker-2")
    with ThreadPoolExecutor(_THREADS) as threads:
        answers = threads.map(lambda task_id: (task_id, _cancel(nine, task_id, random.uniform(0, 15))), running)
        _ended_as_told(nine, dict(answers))


def replayed_at_once(nine: Nine, traffic: Traffic) -> None:
    """A dead letter, by four clients: it runs once more."""
    task_id = _submit(traffic, fails=2)
    assert task_id
    wait(lambda: _status(nine, task_id) is Status.FAILURE, "it is a dead letter")
    with ThreadPoolExecutor(4) as threads:
        codes = sorted(threads.map(lambda _: _replay(nine, task_id), range(4)))
    assert codes[0] == _ASKED and set(codes) <= {_ASKED, 404, 409}, codes
    wait(lambda: _status(nine, task_id) is Status.SUCCESS, "it has run once more")
    attempts = kept(nine, [task_id])[task_id].record.attempts
    assert [attempt.outcome for attempt in attempts].count(Status.SUCCESS) == 1, attempts


def replayed_and_cancelled(nine: Nine, traffic: Traffic) -> None:
    """Both at the same moment, ten dead letters: each ends, and none runs after its cancellation was done."""
    dead = [task_id for _ in range(10) if (task_id := _submit(traffic, fails=2))]
    wait(
        lambda: all(task.record.status is Status.FAILURE for task in kept(nine, dead).values()), "all are dead letters"
    )
    with ThreadPoolExecutor(_THREADS) as threads:
        replays = [threads.submit(_replay, nine, task_id) for task_id in dead]
        told = dict(threads.map(lambda task_id: (task_id, _cancel(nine, task_id, random.uniform(0, 0.02))), dead))
        assert all(replay.result() == _ASKED for replay in replays)
    wait(lambda: all(task.record.status.is_final for task in kept(nine, dead).values()), "all have ended")
    for task_id, code in told.items():
        if code == _CANCELLED:
            assert _status(nine, task_id) is Status.REVOKED, task_id


def one_key(broken: Step, clients: int = 40) -> Step:
    """So many clients send one task under one key, each until it is accepted, while something else breaks."""

    def step(nine: Nine, traffic: Traffic) -> None:
        headers = {"Idempotency-Key": f"race-{time.time_ns()}"}
        send = partial(_until_accepted, f"{nine.base_url}/api/v1/tasks", headers)
        with ThreadPoolExecutor(clients) as threads:
            sent = [threads.submit(send) for _ in range(clients)]
            broken(nine, traffic)
            task_ids = {each.result() for each in sent}
        assert len(task_ids) == 1, f"one key made {len(task_ids)} tasks"
        traffic.submitted += 1
        traffic.accepted += task_ids

    return step


def older_copy_of_redis(nine: Nine, traffic: Traffic) -> None:
    """Redis comes back with a copy of its files that is three seconds old. What was accepted since is not in it.

    Nor is what happened to the tasks that had not ended: of that, log lines and journeys alone tell.
    """
    files, copy = nine.var_dir / "redis" / "appendonlydir", nine.var_dir / "older-copy"
    before = list(traffic.accepted)
    traffic.rewound |= {task_id for task_id, task in kept(nine, before).items() if not task.record.status.is_final}
    shutil.copytree(files, copy)
    time.sleep(3)
    assert nine.run("stop", "redis").returncode == 0
    shutil.rmtree(files)
    shutil.move(copy, files)
    with traffic.paused():
        traffic.undone |= set(traffic.accepted) - set(before)
        traffic.accepted[:] = before
        assert nine.run("start", "redis").returncode == 0


def _submit_and_cancel(nine: Nine, traffic: Traffic, seconds: float, data: dict[str, float]) -> tuple[str, int]:
    task_id = wait(lambda: _submit(traffic, **data), "a task is taken")
    assert task_id
    return task_id, _cancel(nine, task_id, random.uniform(0, seconds))


def _submit(traffic: Traffic, **data: float) -> str | None:
    return traffic.submit({"task_type": "race", "data": data, "priority": "high"})


def _cancel(nine: Nine, task_id: str, wait_seconds: float) -> int:
    time.sleep(wait_seconds)
    answer, again = _answered(nine, "DELETE", f"/api/v1/tasks/{task_id}")
    assert answer.status_code in {_CANCELLED, _ASKED, _TOO_LATE}, answer.text
    if answer.status_code == _CANCELLED:
        assert answer.json()["status"] == Status.REVOKED, answer.text
    return _ASKED if again and answer.status_code == _TOO_LATE else answer.status_code


def _answered(nine: Nine, method: str, path: str) -> tuple[httpx.Response, bool]:
    """Asks again where a busy machine has Redis or a replica answer late, which may have been carried out: the flag."""
    deadline, again = time.monotonic() + _SECONDS, False
    with nine.http() as client:
        while (answer := client.request(method, path)).status_code in _LATE and time.monotonic() < deadline:
            again = True
            time.sleep(0.5)
    return answer, again


def _ended_as_told(nine: Nine, told: dict[str, int]) -> None:
    wait(lambda: all(task.record.status.is_final for task in kept(nine, list(told)).values()), "all have ended")
    ended = {task_id: task.record.status for task_id, task in kept(nine, list(told)).items()}
    wrong = {
        task_id: (code, ended[task_id])
        for task_id, code in told.items()
        if (code == _CANCELLED and ended[task_id] is not Status.REVOKED)
        or (code == _TOO_LATE and ended[task_id] is Status.REVOKED)
    }
    assert not wrong, wrong


def _replay(nine: Nine, task_id: str) -> int:
    answer, again = _answered(nine, "POST", f"/api/v1/dead-letters/{task_id}/replay")
    return _ASKED if again else answer.status_code


def _status(nine: Nine, task_id: str) -> Status:
    return kept(nine, [task_id])[task_id].record.status


def _until_accepted(url: str, headers: dict[str, str]) -> str:
    deadline = time.monotonic() + _SECONDS
    while True:
        with suppress(httpx.HTTPError):
            answer = plain_http.post(url, json=QUICK, headers=headers)
            if answer.status_code == 201:
                return str(answer.json()["task_id"])
            assert answer.status_code in {409, 429} | _LATE, answer.text
        assert time.monotonic() < deadline, f"not accepted within {_SECONDS} s"
        time.sleep(0.5)
