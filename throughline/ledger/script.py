"""One Lua script with the names of its keys and arguments, and the two ways to call it: with `await` and without.

A script begins with a header that names what it takes:

    -- flags: allow-oom
    -- keys: record open
    -- args: task_id ttl fields...
    -- uses: clock

Its text then says `KEY.record` and `ARG.ttl`, which become `KEYS[1]` and `ARGV[3]` when the script is loaded; a name
that the header does not declare is an error then. `ARG.fields` is all that is left over: the names
and values of a mapping, or the members of a list. Each file of `uses` stands
before the script's own text. The first argument of every script is `now`: empty for Redis's clock, a time in a test.

`flags` are Redis's own (7.0 and later). `allow-oom` lets a script write although Redis is at its `maxmemory`: one that
only holds or finishes what was accepted has that memory in reserve.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha1
from importlib.resources import files
from itertools import chain
from typing import Any, Final, Generic, Self, TypeVar

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import ResponseError

from throughline.ledger import counts, states
from throughline.ledger.packed_script import Argument
from throughline.ledger.script_calls import ScriptCalls
from throughline.telemetry import correlation
from throughline.telemetry.logging import event

T = TypeVar("T")
Clock = Callable[[], float]

_DECLARED: Final = re.compile(r"^-- (flags|keys|args|uses): (.+)$", re.MULTILINE)
_NAMED: Final = re.compile(r"\b(KEY|ARG)\.(\w+)")
_REST: Final = "..."
_REFUSED: Final = re.compile(r"REFUSED_MOVE (\S+) (\S+) (\S+) (\S+)")


@dataclass(frozen=True)
class Script:
    """A script's text as Redis gets it, and the names of its keys and arguments in their order."""

    name: str
    text: str
    keys: tuple[str, ...]
    args: tuple[str, ...]

    @cached_property
    def sha(self) -> str:
        """The name that Redis gives it."""
        return sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    @classmethod
    def parse(cls, name: str, text: str, part: Callable[[str], str]) -> Self:
        """Raises `ValueError` for a name that the script uses and does not declare."""
        declared: dict[str, list[str]] = {"flags": [], "keys": [], "args": ["now"], "uses": []}
        for kind, names in _DECLARED.findall(text):
            declared[kind] += names.split()
        # Redis reads the flags from the first line alone.
        flags = [f"#!lua flags={','.join(declared['flags'])}"] if declared["flags"] else []
        whole = "\n".join([*flags, *map(part, declared["uses"]), text])
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
        """The values in the script's order; `TypeError` when one is missing or unknown to the script."""
        names = self._names
        if given.keys() != set(names):
            raise TypeError(f"{self.name}.lua takes {', '.join(names)}, not {', '.join(given)}")
        values: list[Argument] = [now]
        values += map(given.__getitem__, names)
        if self.args[-1].endswith(_REST):
            rest: Any = values.pop()
            values += chain.from_iterable(rest.items()) if isinstance(rest, Mapping) else rest
        return values

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """Of the arguments after `now`."""
        return tuple(each.removesuffix(_REST) for each in self.args[1:])


@cache
def load(name: str) -> Script:
    """The script of this name, read once in each process."""
    return Script.parse(name, _text(f"{name}.lua"), _part)


def _part(name: str) -> str:
    data = {"states": states.lua, "counts": counts.lua}.get(name)
    return "\n".join([*([data()] if data else []), *([] if name == "states" else [_text("parts", f"{name}.lua")])])


def _text(*path: str) -> str:
    return files("throughline.ledger").joinpath("lua", *path).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Call(Generic[T]):
    """One call of a script: its keys, its arguments by name, how its answer is read, and what a refusal answers."""

    script: Script
    keys: list[str]
    args: Mapping[str, Any]
    read: Callable[[Any], T]
    refused: Callable[[], T] | None = None
    task_id: str = ""

    def answer(self, raw: Any) -> T:
        return self.read(_text_of(raw))

    def refusal(self, error: ResponseError) -> T:
        """The answer when the script refused to move the task; any other error is raised again."""
        told = _REFUSED.search(str(error))
        if told is None or self.refused is None:
            raise error
        before, after, reason, correlation_id = told.groups()
        with correlation.bound(correlation_id or "unknown", self.task_id):
            move = f"{before} → {after} ({reason})"
            event("task.move_refused", f"{self.script.name} refused {move}: states.py does not allow it")
        return self.refused()


class Ledger:
    """Runs calls on a client that blocks. `clock` replaces Redis's own, for tests."""

    def __init__(self, redis: "Redis", clock: Clock | None = None) -> None:
        self._redis, self._clock, self._calls = redis, clock, ScriptCalls(redis)

    def __call__(self, call: Call[T]) -> T:
        try:
            script, arguments = call.script, call.script.arguments(call.args, _now(self._clock))
            return call.answer(self._calls(script.text, script.sha, call.keys, arguments))
        except ResponseError as error:
            return call.refusal(error)

    def load(self) -> None:
        """Connects, and loads every script: the first task of a process does not wait for it."""
        self._redis.ping()
        for text in all_texts():
            self._redis.script_load(text)


class AsyncLedger:
    """The same on a client that is awaited."""

    def __init__(self, redis: "AsyncRedis", clock: Clock | None = None) -> None:
        self._redis, self._clock = redis, clock
        self._scripts: dict[str, Any] = {}

    async def __call__(self, call: Call[T]) -> T:
        script = self._scripts.get(call.script.name)
        if script is None:
            script = self._scripts[call.script.name] = self._redis.register_script(call.script.text)
        try:
            return call.answer(await script(call.keys, call.script.arguments(call.args, _now(self._clock))))
        except ResponseError as error:
            return call.refusal(error)


def _now(clock: Clock | None) -> str:
    return "" if clock is None else f"{clock():.6f}"


def all_texts() -> list[str]:
    """Every script, as Redis gets it."""
    folder = files("throughline.ledger").joinpath("lua")
    return [load(each.name.removesuffix(".lua")).text for each in folder.iterdir() if each.name.endswith(".lua")]


def _text_of(answer: Any) -> Any:
    """Celery's client leaves answers as bytes. A message that is no UTF-8 is read as kombu reads it."""
    if isinstance(answer, bytes):
        return answer.decode(errors="replace")
    return [_text_of(part) for part in answer] if isinstance(answer, list) else answer
