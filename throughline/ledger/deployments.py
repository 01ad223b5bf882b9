"""Which versions of each service run, and the deployments: when a service came to run another version than before."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import orjson
from redis.asyncio import Redis

from throughline.ledger import keys
from throughline.ledger.call import call
from throughline.ledger.script import Call

SERVICES: Final = ("nginx", "api", "worker", "monitor")  # in the order of a request's way
BEAT_SECONDS: Final = 5.0  # how often a process says that it runs
ALIVE_SECONDS: Final = 30  # after which silence it is taken for gone
_MOST: Final = 100  # deployments that are kept
_NGINX: Final = re.compile(r"([A-Za-z0-9._:@-]{1,128}) ([A-Za-z0-9_][A-Za-z0-9._+-]{0,127})")


@dataclass(frozen=True)
class Instance:
    """One process instance of a service, the version that it runs, and how far its clock is ahead of Redis's."""

    service: str
    node: str
    version: str
    clock_offset_ms: float | None = None  # not known

    def __str__(self) -> str:
        ahead = "" if self.clock_offset_ms is None else f" {self.clock_offset_ms:.3f}"
        return f"{self.service} {self.node} {self.version}{ahead}"


def nginx_instance(told: str) -> Instance | None:
    """NGINX cannot reach Redis, and says `instance version` to who can; None for what is none."""
    found = _NGINX.fullmatch(told)
    return Instance("nginx", found[1], found[2]) if found else None


@dataclass(frozen=True)
class Deployment:
    """A service runs another version than before, since `at` (seconds since 1970, Redis's clock)."""

    service: str
    version: str
    previous_version: str
    at: float

    @classmethod
    def parse(cls, told: Mapping[str, Any]) -> Self:
        return cls(str(told["service"]), str(told["version"]), str(told["previous_version"]), float(told["at"]))


@dataclass(frozen=True)
class Running:
    """A version of a service that runs now: since when its first instance does, and how many there are."""

    service: str
    version: str
    since: float
    instances: int

    @classmethod
    def parse(cls, told: Mapping[str, Any]) -> Self:
        return cls(str(told["service"]), str(told["version"]), float(told["since"]), int(told["instances"]))


@dataclass(frozen=True)
class Versions:
    """What runs, and deployments: those that nobody has told before, or all that are kept, the latest first."""

    running: tuple[Running, ...] = ()
    deployments: tuple[Deployment, ...] = ()

    @classmethod
    def parse(cls, answer: str | bytes) -> Self:
        told = orjson.loads(answer)
        return cls(tuple(map(Running.parse, told["running"] or ())), tuple(map(Deployment.parse, told["new"] or ())))


def present(instances: Iterable[Instance]) -> Call[int]:
    """These processes run; answers how many replicas of the api do."""
    args = {"alive_seconds": ALIVE_SECONDS, "instances": [str(each) for each in instances]}
    return call("present", int, args)


def look() -> Call[Versions]:
    """What runs now; its deployments are those that no other call has answered."""
    args = {"alive_seconds": ALIVE_SECONDS, "most": _MOST, "services": list(SERVICES)}
    return call("deployments", Versions.parse, args)


async def read(redis: "Redis") -> Versions:
    """What the latest look saw, and all deployments that are kept."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.hget(keys.VERSIONS, "seen")
        pipe.lrange(keys.DEPLOYMENTS, 0, -1)
        seen, kept = await pipe.execute()
    deployments = tuple(Deployment.parse(orjson.loads(each)) for each in kept)
    return Versions(Versions.parse(seen).running if seen else (), deployments)
