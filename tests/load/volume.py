"""`make load TASKS=200000`: many tasks as fast as the machine runs them; where they are kept, whether all are found.

The senders look at the position in each answer, and pause while many tasks wait: the circuit breaker stays closed.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from redis.asyncio import Redis

from tests.system.nine import Nine
from throughline.ledger import keys

PICKED: Final = 1_000
MOST_REDIS_MB: Final = 100
_SENDERS: Final = 8
_MOST_WAITING: Final = 300
_PAUSE_SECONDS: Final = 0.1
_STALLED_SECONDS: Final = 120.0
_PAGE: Final = 500
_ANSWER_SECONDS: Final = 30.0


@dataclass
class Volume:
    """What became of the tasks. Sizes in MB (10^6 bytes)."""

    tasks: int
    seconds: float = 0.0
    redis_most: float = 0.0
    redis_at_end: float = 0.0
    disk: dict[str, float] = field(default_factory=dict)
    listed: int = 0
    compared: int = 0  # results that are what the worker stored
    refused: Counter[str] = field(default_factory=Counter)  # submissions that had to be sent again, by code
    wrong: list[str] = field(default_factory=list)


def run(nine: Nine, tasks: int) -> Volume:
    """Sends them, waits until all have ended, and looks for each of them."""
    return asyncio.run(_run(nine, tasks))


async def _run(nine: Nine, tasks: int) -> Volume:
    found = Volume(tasks)
    async with Redis.from_url(nine.redis_url, decode_responses=True) as redis:
        work = _Work(nine.base_url, redis, tasks)
        watching = asyncio.create_task(_watch(redis, found))
        began = time.monotonic()
        await work.send_all()
        await _until_ended(redis)
        found.seconds = time.monotonic() - began
        found.redis_at_end = await _used_mb(redis)
        watching.cancel()
        found.wrong += await _unlike(nine.base_url, work.stored)
        found.compared = len(work.stored) - len(found.wrong)
        listed = [task_id async for task_id in _listed(nine.base_url)]
    found.listed = len(listed)
    found.refused = work.refused
    found.disk = dict(_sizes(nine.var_dir))
    found.wrong += _amiss(work.accepted, listed, found)
    return found


class _Work:
    """All submissions, and what the worker stored of those that were picked."""

    def __init__(self, base_url: str, redis: "Redis", tasks: int) -> None:
        self._base_url, self._redis = base_url, redis
        self._left = iter(range(tasks))
        self._picked = set(random.sample(range(tasks), min(PICKED, tasks)))
        self._waiting: set[asyncio.Task[None]] = set()
        self.accepted: list[str] = []
        self.stored: dict[str, Any] = {}
        self.refused: Counter[str] = Counter()

    async def send_all(self) -> None:
        async with asyncio.TaskGroup() as senders:
            for _ in range(_SENDERS):
                senders.create_task(self._send())
        await asyncio.gather(*self._waiting)

    async def _send(self) -> None:
        async with _connected(self._base_url) as http:
            for number in self._left:
                task_id, position = await self._submit(http, number)
                self.accepted.append(task_id)
                if number in self._picked:
                    watched = asyncio.create_task(self._keep_result(task_id))
                    self._waiting.add(watched)
                    watched.add_done_callback(self._waiting.discard)
                while position > _MOST_WAITING:
                    await asyncio.sleep(_PAUSE_SECONDS)
                    position = await self._depth()

    async def _submit(self, http: "_Http", number: int) -> tuple[str, int]:
        """Its ID and place. A busy machine may answer 503: asked again with its key, no second task is made."""
        position = {"symbol": f"S{number}", "quantity": 1 + number % 97, "price": 10.0 + number % 89}
        body = {"task_type": "calculate_var", "data": {"positions": [position], "simulations": 1_000, "seed": number}}
        deadline = time.monotonic() + _STALLED_SECONDS
        while True:
            status, answer = await http.exchange("POST", "/api/v1/tasks", body, key=f"volume-{number}")
            if status == 201:
                return answer["task_id"], answer.get("queue_position", 1)
            if status != 503 or time.monotonic() > deadline:
                raise RuntimeError(f"submission {number}: {status} {answer}")
            self.refused[answer["code"]] += 1
            await asyncio.sleep(1)

    async def _depth(self) -> int:
        return sum([await self._redis.llen(queue) for queue in ("high", "medium", "low")])

    async def _keep_result(self, task_id: str) -> None:
        """What the worker stored, read from Redis while it is there."""
        deadline = time.monotonic() + _STALLED_SECONDS
        while time.monotonic() < deadline:
            told = await self._redis.get(keys.celery_result(task_id))
            if told and json.loads(told)["status"] == "SUCCESS":
                self.stored[task_id] = json.loads(told)["result"]
                return
            await asyncio.sleep(0.2)
        raise RuntimeError(f"{task_id} has not ended after {_STALLED_SECONDS:.0f} s")


async def _watch(redis: "Redis", found: Volume) -> None:
    while True:
        found.redis_most = max(found.redis_most, await _used_mb(redis))
        await asyncio.sleep(1)


async def _used_mb(redis: "Redis") -> float:
    return float((await redis.info("memory"))["used_memory"]) / 1e6


async def _until_ended(redis: "Redis") -> None:
    left, moved = -1, time.monotonic()
    while waiting := await redis.zcard(keys.OPEN):
        if waiting != left:
            left, moved = waiting, time.monotonic()
        if time.monotonic() - moved > _STALLED_SECONDS:
            raise RuntimeError(f"{waiting} tasks have not ended, and none does")
        await asyncio.sleep(0.2)


async def _unlike(base_url: str, stored: dict[str, Any]) -> list[str]:
    wrong = []
    async with _connected(base_url) as http:
        for task_id, result in stored.items():
            status, task = await http.exchange("GET", f"/api/v1/tasks/{task_id}")
            if status != 200 or task.get("result") != result:
                wrong.append(f"{task_id}: the answer ({status}) is not what the worker stored")
    return wrong


async def _listed(base_url: str) -> AsyncIterator[str]:
    """Each task of the list, page after page."""
    query: dict[str, Any] = {"limit": _PAGE}
    async with _connected(base_url) as http:
        while True:
            status, page = await http.exchange("GET", f"/api/v1/tasks?{urlencode(query)}")
            if status != 200:
                raise RuntimeError(f"the list: {status} {page}")
            for task in page["tasks"]:
                yield task["task_id"]
            if not page.get("next"):
                return
            query["cursor"] = page["next"]


def _amiss(accepted: list[str], listed: list[str], found: Volume) -> Iterator[str]:
    if missing := set(accepted) - set(listed):
        yield f"{len(missing)} tasks are not in the list"
    if len(listed) != len(set(listed)):
        yield f"{len(listed) - len(set(listed))} tasks are in the list twice"
    if found.redis_at_end > MOST_REDIS_MB:
        yield f"Redis uses {found.redis_at_end:.0f} MB at the end, above {MOST_REDIS_MB}"


def _sizes(var: Path) -> Iterator[tuple[str, float]]:
    """What the run has written, by folder."""
    yield "history", _size(path for path in var.glob("history.sqlite*"))
    for name in ("log", "spans", "redis"):
        yield name, _size(path for path in (var / name).rglob("*"))


def _size(paths: Iterator[Path]) -> float:
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


class _Http:
    """One connection at a time, which stays open as long as NGINX lets it."""

    def __init__(self, base_url: str) -> None:
        self._parts = urlsplit(base_url)
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchange(self, method: str, path: str, body: Any = None, key: str = "") -> tuple[int, Any]:
        """The answer's status and its JSON."""
        content = json.dumps(body).encode() if body is not None else b""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._parts.netloc}\r\nContent-Length: {len(content)}\r\n"
        head += f"Idempotency-Key: {key}\r\n" if key else ""
        async with asyncio.timeout(_ANSWER_SECONDS):
            if self._open is None:
                self._open = await asyncio.open_connection(self._parts.hostname, self._parts.port)
            reader, writer = self._open
            writer.write(f"{head}Content-Type: application/json\r\n\r\n".encode() + content)
            told = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            fields = dict(line.split(": ", 1) for line in told.split("\r\n")[1:] if line)
            text = await reader.readexactly(int(fields["content-length"]))
        if fields.get("connection") == "close":
            self.close()
        return int(told.split(" ", 2)[1]), json.loads(text)

    def close(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None


@asynccontextmanager
async def _connected(base_url: str) -> AsyncIterator[_Http]:
    http = _Http(base_url)
    try:
        yield http
    finally:
        http.close()
