"""What one call of the front door's script costs a replica: redis-py's client, its pipeline, and our group commit."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from statistics import median
from typing import Any, Final

import uvloop
from redis.asyncio import Redis

from api.group_commit import GroupCommit
from tests.bench.api_server import empty_redis
from tests.bench.ratio import say
from throughline.ledger import scripts
from throughline.ledger.message import Queue
from throughline.ledger.script import AsyncLedger, Call
from throughline.ledger.submission import Decision, Limits, Submission
from throughline.settings import ApiSettings

_CALLS: Final = 1_000
_ROUNDS: Final = 5
_AT_ONCE: Final = (1, 8, 64)
_RECORD: Final = {"task_type": "calculate_var", "queue": "low", "correlation_id": "BENCH-1", "trace_id": "0" * 32}

Submit = Callable[[Call[Decision]], Awaitable[Any]]


class PipelineOfATurn:
    """The rival: the same gathering of what comes within one turn of the loop, sent by redis-py's pipeline."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._gathered: list[tuple[Call[Decision], asyncio.Future[Any]]] = []
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, call: Call[Decision]) -> Decision:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        if not self._gathered:
            loop.call_soon(self._take_turn)
        self._gathered.append((call, answer))
        return call.answer(await answer)

    def _take_turn(self) -> None:
        gathered, self._gathered = self._gathered, []
        task = asyncio.ensure_future(self._send(gathered))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _send(self, gathered: list[tuple[Call[Decision], asyncio.Future[Any]]]) -> None:
        pipe = self._redis.pipeline(transaction=False)
        for call, _ in gathered:
            pipe.evalsha(call.script.sha, len(call.keys), *call.keys, *call.script.arguments(call.args, ""))
        for (_, answer), raw in zip(gathered, await pipe.execute(), strict=True):
            answer.set_result(raw)


def _calls(limits: Limits) -> Iterator[Call[Decision]]:
    """Messages of one position, as Celery would write them, are of about this size."""
    for _ in range(_CALLS):
        task = Submission(str(uuid.uuid4()), Queue.LOW, "BENCH-1", b"x" * 900, _RECORD)
        yield scripts.submit(task, limits)


async def _cost(submit: Submit, calls: list[Call[Decision]], at_once: int) -> tuple[float, float]:
    """Microseconds of processor time a call, and milliseconds until half of the calls were answered."""
    took: list[float] = []
    left = iter(calls)

    async def one_after_the_other() -> None:
        for call in left:
            began = time.perf_counter()
            await submit(call)
            took.append(time.perf_counter() - began)

    began = time.process_time()
    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))
    return (time.process_time() - began) / len(calls) * 1e6, median(took) * 1e3


async def _round(url: str, limits: Limits, at_once: int) -> dict[str, tuple[float, float]]:
    client = Redis.from_url(url, decode_responses=True)
    group_commit = GroupCommit(url, seconds=10)
    ways: dict[str, Submit] = {
        "client": AsyncLedger(client),
        "pipeline": PipelineOfATurn(client),
        "group commit": group_commit,
    }
    found = {}
    for name, submit in ways.items():
        await client.flushall()
        calls = list(_calls(limits))
        await client.script_load(calls[0].script.text)
        found[name] = await _cost(submit, calls, at_once)
    await group_commit.close()
    await client.aclose()
    return found


def main() -> None:
    """One line for each way and number of simultaneous calls, then the marks."""
    best: dict[tuple[str, int], float] = {}
    with empty_redis() as url:
        limits = Limits.of(ApiSettings(redis_url=url, circuit_max_depth=10**6))
        for at_once in _AT_ONCE:
            rounds = [uvloop.run(_round(url, limits, at_once)) for _ in range(_ROUNDS)]
            for name in rounds[0]:
                cpu, wait = (min(each[name][i] for each in rounds) for i in (0, 1))
                best[name, at_once] = cpu
                print(f"{at_once:3} at once  {name:12}  {cpu:6.1f} µs of processor time  p50 {wait:6.2f} ms")
    for rival, at_once, mark in (("client", 1, 2.0), ("pipeline", 8, 2.0), ("pipeline", 64, 1.7)):
        ratio = best[rival, at_once] / best["group commit", at_once]
        detail = f"{best[rival, at_once]:.0f} µs against {best['group commit', at_once]:.0f}"
        say(f"group commit against redis-py's {rival}, {at_once} at once", ratio, mark, at_most=False, detail=detail)


if __name__ == "__main__":
    main()
