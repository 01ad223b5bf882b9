"""One Lua script with the names of its keys and arguments, and the two ways to call it: with `await` and without.

A script begins with a header that names what it takes:

    -- keys: record open
    -- args: task_id ttl fields...
    -- uses: clock

Its text then says `KEY.record` and `ARG.ttl`, which become `KEYS[1]` and `ARGV[3]` when the script is loaded; a name
that the header does not declare is an error then. `ARG.fields` is all that is left over. Each file of `uses` stands
before the script's own text. The first argument of every script is `now`: empty for Redis's clock, a time in a test.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Generic, Self, TypeVar

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

T = TypeVar("T")
Argument = str | bytes | int | float
Clock = Callable[[], float]

_DECLARED: Final = re.compile(r"^-- (keys|args|uses): (.+)$", re.MULTILINE)
_NAMED: Final = re.compile(r"\b(KEY|ARG)\.(\w+)")
_REST: Final = "..."


@dataclass(frozen=True)
class Script:
    """A script's text as Redis gets it, and the names of its keys and arguments in their order."""

    name: str
    text: str
    keys: tuple[str, ...]
    args: tuple[str, ...]

    @classmethod
    def parse(cls, name: str, text: str, part: Callable[[str], str]) -> Self:
        """Raises `ValueError` for a name that the script uses and does not declare."""
        declared: dict[str, list[str]] = {"keys": [], "args": ["now"], "uses": []}
        for kind, names in _DECLARED.findall(text):
            declared[kind] += names.split()
        whole = "\n".join([*map(part, declared["uses"]), text])
        places = {f"KEY.{each}": f"KEYS[{number}]" for number, each in enumerate(declared["keys"], 1)}
        for number, each in enumerate(declared["args"], 1):
            named = each.removesuffix(_REST)
            places[f"ARG.{named}"] = f"ARGV[{number}]" if named == each else f"unpack(ARGV, {number})"

        def place(used: re.Match[str]) -> str:
            if used[0] not in places:
                raise ValueError(f"{name}.lua uses {used[0]}, which its header does not declare")
            return places[used[0]]

        return cls(name, _NAMED.sub(place, whole), tuple(declared["keys"]), tuple(declared["args"]))

    def arguments(self, given: Mapping[str, Any], now: str) -> list[Argument]:
        """The values in their places; `TypeError` when one is missing or none of the script's."""
        names = [each.removesuffix(_REST) for each in self.args[1:]]
        if given.keys() != set(names):
            raise TypeError(f"{self.name}.lua takes {', '.join(names)}, not {', '.join(given)}")
        values: list[Argument] = [now]
        for each in self.args[1:]:
            if each.endswith(_REST):
                values += [part for field in given[each.removesuffix(_REST)].items() for part in field]
            else:
                values.append(given[each])
        return values


@cache
def load(name: str) -> Script:
    """The script of this name, read once in each process."""
    return Script.parse(name, _text(f"{name}.lua"), lambda part: _text("parts", f"{part}.lua"))


def _text(*path: str) -> str:
    return files("throughline.ledger").joinpath("lua", *path).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Call(Generic[T]):
    """One call of a script: its keys, its arguments by name, and how its answer is read."""

    script: Script
    keys: list[str]
    args: Mapping[str, Any]
    read: Callable[[Any], T]


class Ledger:
    """Runs calls on a client that blocks. `clock` replaces Redis's own, for tests."""

    def __init__(self, redis: "Redis", clock: Clock | None = None) -> None:
        self._redis = redis
        self._clock = clock
        self._scripts: dict[str, Any] = {}

    def __call__(self, call: Call[T]) -> T:
        script = self._scripts.get(call.script.name)
        if script is None:
            script = self._scripts[call.script.name] = self._redis.register_script(call.script.text)
        return call.read(_text_of(script(call.keys, call.script.arguments(call.args, _now(self._clock)))))


class AsyncLedger:
    """The same on a client that is awaited."""

    def __init__(self, redis: "AsyncRedis", clock: Clock | None = None) -> None:
        self._redis = redis
        self._clock = clock
        self._scripts: dict[str, Any] = {}

    async def __call__(self, call: Call[T]) -> T:
        script = self._scripts.get(call.script.name)
        if script is None:
            script = self._scripts[call.script.name] = self._redis.register_script(call.script.text)
        return call.read(_text_of(await script(call.keys, call.script.arguments(call.args, _now(self._clock)))))


def _now(clock: Clock | None) -> str:
    return "" if clock is None else f"{clock():.6f}"


def _text_of(answer: Any) -> Any:
    """Celery's client leaves answers as bytes."""
    if isinstance(answer, bytes):
        return answer.decode()
    return [_text_of(part) for part in answer] if isinstance(answer, list) else answer
