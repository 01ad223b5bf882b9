"""Whether each process is healthy: asks it as its users do, with a deadline for every answer."""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from throughline.ledger import keys
from throughline.local.run import HOST, Run
from throughline.local.supervisor import Process

HEALTHY: Final = "healthy"
_ANSWER_SECONDS: Final = 1
_STATES: Final = {
    "STOPPED": "stopped",
    "STOPPING": "stopping",
    "EXITED": "ended",
    "BACKOFF": "crashed, starts again",
    "FATAL": "crashed too often",
}


@dataclass(frozen=True)
class Health:
    """One process: a row of the status table."""

    name: str
    port: int | None
    pid: int | None
    word: str

    @property
    def ok(self) -> bool:
        return self.word == HEALTHY


def check(run: Run, processes: Mapping[str, Process], names: Iterable[str]) -> list[Health]:
    """The health of the named processes, in their order."""
    names = list(names)
    up = [name for name in names if processes[name].state in {"STARTING", "RUNNING"}]
    words = {name: _STATES.get(processes[name].state, "unknown") for name in names}
    web = [name for name in up if name != "redis" and name in run.ports]
    with ThreadPoolExecutor(max_workers=len(web) + 1) as pool:
        broker = pool.submit(_ask_redis, run, processes, up)
        words |= zip(web, pool.map(lambda name: _ask_http(run, name), web), strict=True)
        words |= broker.result()
    return [Health(name, run.ports.get(name), processes[name].pid, words[name]) for name in names]


def warnings(run: Run) -> list[str]:
    """What a replica's /health warns of, in sentences; nothing while none answers."""
    for name in run.replicas:
        with suppress(OSError, HTTPException, ValueError):
            _, body = _get(run, name, "/health")
            return _in_sentences(json.loads(body))
    return []


def _in_sentences(health: Mapping[str, Any]) -> list[str]:
    told = [str(health["reason"])] if health.get("reason") else []
    return told + [f"A 201 promises less than it should: {each}." for each in health.get("warnings") or ()]


def _ask_http(run: Run, name: str) -> str:
    path = "/health/ready" if name in run.replicas else "/health/live"
    try:
        status, _ = _get(run, name, path)
    except (OSError, HTTPException):
        return "no answer"
    return HEALTHY if status == 200 else f"answers {status}"


def _get(run: Run, name: str, path: str) -> tuple[int, bytes]:
    """Status and body; raises `OSError` or `HTTPException`."""
    connection = HTTPConnection(HOST, run.ports[name], timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _ask_redis(run: Run, processes: Mapping[str, Process], names: list[str]) -> dict[str, str]:
    """The words for Redis and for the workers, whose heartbeats it holds."""
    workers = [name for name in names if name in run.workers]
    try:
        with _client(run) as redis:
            now, _ = redis.time()
            beats = dict(redis.zrangebyscore(keys.WORKERS, now - keys.WORKER_ALIVE_SECONDS, "+inf", withscores=True))
    except (RedisError, OSError):
        return dict.fromkeys(workers, "no heartbeat") | ({"redis": "no answer"} if "redis" in names else {})
    # A heartbeat from before the process started belongs to its predecessor.
    words = {name: HEALTHY if beats.get(name, 0) > processes[name].started else "no heartbeat" for name in workers}
    return words | ({"redis": HEALTHY} if "redis" in names else {})


def _client(run: Run) -> Redis:
    return Redis.from_url(
        run.redis_url,
        decode_responses=True,
        socket_timeout=_ANSWER_SECONDS,
        socket_connect_timeout=_ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
