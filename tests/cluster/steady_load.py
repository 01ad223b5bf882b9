"""`python -m tests.cluster.steady_load`: a steady load, with a step up and one down, and a picture of what workers do.

Tasks that wait and use no CPU, so that six workers fit on a small node: what is looked at is the number of workers, and
not how fast one is. Writes docs/pictures/scaling.svg.
"""

import asyncio
import itertools
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from subprocess import TimeoutExpired
from typing import Final

import httpx

from tests import plain_http
from tests.cluster import waiting_release
from tests.cluster.cluster import Cluster
from tests.cluster.picture import Line, Panel, drawn
from tests.cluster.release import Release
from tests.command import ROOT, Failed

PICTURE: Final = ROOT / "docs" / "pictures" / "scaling.svg"
_LOOK_SECONDS: Final = 3.0


@dataclass(frozen=True)
class Stretch:
    """So many tasks a second for so long."""

    seconds: float
    tasks_a_second: float


STEADY: Final = (Stretch(120, 0.8), Stretch(120, 1.6), Stretch(310, 0.8))


@dataclass(frozen=True)
class Look:
    """What was seen at one moment."""

    seconds: float
    waiting: int
    outstanding: int
    wanted: int
    ready: int
    oldest_wait: float


def turns(numbers: Sequence[int]) -> int:
    """How often a row of numbers changes its direction: 2 4 4 3 2 turns once."""
    steps = [later - earlier for earlier, later in itertools.pairwise(numbers) if later != earlier]
    return sum((earlier > 0) != (later > 0) for earlier, later in itertools.pairwise(steps))


async def held(
    stretches: Sequence[Stretch],
    send: Callable[[float], httpx.Response],
    look: Callable[[float], Look],
) -> list[Look]:
    """Sends tasks of eight to sixteen seconds at even distances, and looks every few seconds meanwhile."""
    began = time.monotonic()
    looks: list[Look] = []
    done = asyncio.Event()

    async def looking() -> None:
        while not done.is_set():
            with suppress(httpx.HTTPError, Failed, TimeoutExpired):  # a moment that was not seen
                looks.append(await asyncio.to_thread(look, time.monotonic() - began))
            await asyncio.sleep(_LOOK_SECONDS)

    async def sending() -> None:
        due, sent = began, set()
        for stretch in stretches:
            ends = due + stretch.seconds
            while due < ends:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                sent.add(asyncio.create_task(asyncio.to_thread(send, random.uniform(8, 16))))
                due += 1 / stretch.tasks_a_second
        answers = await asyncio.gather(*sent, return_exceptions=True)
        done.set()
        refused = [each for each in answers if not isinstance(each, httpx.Response) or each.status_code != 201]
        print(f"{len(answers)} tasks were sent, {len(refused)} of them in vain", *refused[:3])  # noqa: T201

    await asyncio.gather(looking(), sending())
    return looks


def looking_at(release: Release) -> Callable[[float], Look]:
    monitor, name = plain_http.client(timeout=10), f"{release.name}-worker"

    def look(seconds: float) -> Look:
        work = monitor.get(f"{release.url('page', 8084)}/scaling").raise_for_status().json()
        worker = json.loads(release.kubectl("get", "deployment", name, "-o", "json"))
        return Look(
            seconds=seconds,
            waiting=work["waiting"],
            outstanding=work["outstanding"],
            wanted=worker["spec"].get("replicas", 0),
            ready=worker["status"].get("readyReplicas", 0),
            oldest_wait=work["oldest_age_seconds"],
        )

    return look


def sending_to(release: Release) -> Callable[[float], httpx.Response]:
    client = release.http()
    return lambda seconds: client.post("/api/v1/tasks", json={"task_type": "wait_for", "data": {"seconds": seconds}})


def picture(looks: Sequence[Look], stretches: Sequence[Stretch]) -> str:
    at = [look.seconds for look in looks]
    begins = list(itertools.accumulate((stretch.seconds for stretch in stretches), initial=0.0))
    marks = {begin: f"{each.tasks_a_second:g} tasks a second" for begin, each in zip(begins, stretches, strict=False)}
    return drawn(
        "Workers follow the work: tasks of eight to sixteen seconds, four slots a worker",
        at,
        marks,
        [
            Panel(
                "tasks",
                [Line("outstanding", [it.outstanding for it in looks]), Line("waiting", [it.waiting for it in looks])],
            ),
            Panel("workers", [Line("wanted", [it.wanted for it in looks]), Line("ready", [it.ready for it in looks])]),
            Panel("seconds", [Line("wait of the oldest", [it.oldest_wait for it in looks])]),
        ],
    )


def main() -> int:
    with Release(Cluster()) as release:
        waiting_release.upgrade(release)
        looks = asyncio.run(held(STEADY, sending_to(release), looking_at(release)))
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(looks, STEADY), encoding="utf-8")
    for look in looks:
        print(look)  # noqa: T201
    print(f"the number of workers changed its direction {turns([it.wanted for it in looks])} times")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
