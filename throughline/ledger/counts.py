"""How many runs and tasks have ended, and how long runs took and waited: the hash `tl:counts`, read as numbers.

The scripts count in the very step that ends an attempt or a task: see lua/parts/counts.lua. Nobody resets the hash;
with an empty Redis everything begins at 0 again, as the counters of a process do at its start. Its fields:

    ran|<bound>|<status>|<version>|<task type>     runs that took at most so many seconds, or `inf`
    ran_us|<status>|<version>|<task type>          how long all of them took: whole microseconds
    waited|<bound>|<queue>|<task type>             runs that had waited at most so long in their queue
    waited_us|<queue>|<task type>                  how long all of them had waited
    ended|<status>|<task type>                     tasks that ended without a run; others end as their run does
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, NamedTuple, Self, TypeVar

from redis.asyncio import Redis

from throughline.ledger import keys
from throughline.ledger.states import Status

# Those of the collector's histograms, and some above: a task may run for two minutes and wait for longer.
BOUNDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
MOST_FIELDS: Final = 10_000
OTHER: Final = "other"  # the type of a task whose own name is not counted: nobody declared it, or there are too many
OLDER: Final = "-"  # in place of versions that have not run for long; no version is called so
OUTCOMES: Final = (Status.SUCCESS, Status.FAILURE, Status.RETRY, Status.REVOKED)  # of a run

_Key = TypeVar("_Key", bound=Hashable)
_Group = TypeVar("_Group", bound=Hashable)


class Ran(NamedTuple):
    """Which runs: of one type, by workers of one version (empty for one that does not tell it), that ended alike."""

    task_type: str
    version: str
    status: Status


class Waited(NamedTuple):
    """Which waits: in one queue, before runs of one type."""

    task_type: str
    queue: str


class Ended(NamedTuple):
    """Which tasks."""

    task_type: str
    status: Status


@dataclass(frozen=True)
class Durations:
    """How long things took: how many are within each bound and above the one before; the last are above all bounds."""

    within: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
    microseconds: int = 0

    def __add__(self, other: "Durations") -> "Durations":
        within = tuple(map(int.__add__, self.within, other.within))
        return Durations(within, self.microseconds + other.microseconds)

    @property
    def count(self) -> int:
        return sum(self.within)

    @property
    def seconds(self) -> float:
        """All of them together."""
        return self.microseconds / 1e6

    @property
    def mean(self) -> float | None:
        """Seconds; None of nothing."""
        return self.seconds / self.count if self.count else None

    def quantile(self, share: float) -> float | None:
        """Seconds, as Prometheus estimates it: evenly spread within a bound, and no more than the last one."""
        if not self.count:
            return None
        rank = share * self.count
        for index, upto in enumerate(accumulate(self.within[:-1])):
            if upto >= rank and self.within[index]:
                low = BOUNDS[index - 1] if index else 0.0
                return low + (BOUNDS[index] - low) * (rank - upto + self.within[index]) / self.within[index]
        return BOUNDS[-1]


@dataclass(frozen=True)
class Counts:
    """Everything since Redis was empty or, as `since` answers it, between two moments."""

    ran: Mapping[Ran, Durations]
    waited: Mapping[Waited, Durations]
    ended: Mapping[Ended, int]
    seconds: float = 0.0  # the time that they are of; of everything, when that was (s since 1970, Redis's clock)

    @classmethod
    def parse(cls, told: Mapping[str, str], now: float) -> Self:
        """From the hash. What another version may have written into it besides is left out."""
        ran: dict[Ran, list[int]] = defaultdict(_nothing)  # as Durations has them, microseconds last
        waited: dict[Waited, list[int]] = defaultdict(_nothing)
        ended: dict[Ended, int] = defaultdict(int)
        for field, value in told.items():
            kind, _, rest = field.partition("|")
            with suppress(ValueError):
                number = int(value)
                if kind == "ran":
                    bound, status, version, task_type = rest.split("|", 3)
                    ran[Ran(task_type, version, Status(status))][_place(bound)] += number
                elif kind == "ran_us":
                    status, version, task_type = rest.split("|", 2)
                    ran[Ran(task_type, version, Status(status))][-1] += number
                elif kind == "waited":
                    bound, queue, task_type = rest.split("|", 2)
                    waited[Waited(task_type, queue)][_place(bound)] += number
                elif kind == "waited_us":
                    queue, task_type = rest.split("|", 1)
                    waited[Waited(task_type, queue)][-1] += number
                elif kind == "ended":
                    status, task_type = rest.split("|", 1)
                    ended[Ended(task_type, Status(status))] += number
        runs = {key: Durations(tuple(each[:-1]), each[-1]) for key, each in ran.items()}
        for run, measured in runs.items():
            if run.status.is_final:
                ended[Ended(run.task_type, run.status)] += measured.count
        waits = {key: Durations(tuple(each[:-1]), each[-1]) for key, each in waited.items()}
        return cls(runs, waits, dict(ended), now)

    def since(self, earlier: "Counts") -> "Counts":
        """What happened between two moments. What is less by now was counted from 0 again: all of it is of then."""
        return Counts(
            {key: _rise(each, earlier.ran.get(key)) for key, each in self.ran.items()},
            {key: _rise(each, earlier.waited.get(key)) for key, each in self.waited.items()},
            {key: _more(each, earlier.ended.get(key, 0)) for key, each in self.ended.items()},
            self.seconds - earlier.seconds,
        )

    def runs(self, which: Callable[[Ran], bool] = lambda _: True) -> Durations:
        """Those of `which`, added up."""
        return total(each for key, each in self.ran.items() if which(key))

    def waits(self, which: Callable[[Waited], bool] = lambda _: True) -> Durations:
        return total(each for key, each in self.waited.items() if which(key))

    def tasks(self, which: Callable[[Ended], bool] = lambda _: True) -> int:
        return sum(number for key, number in self.ended.items() if which(key))

    def per_second(self, number: int) -> float:
        """So many between two moments, as a rate."""
        return number / self.seconds if self.seconds > 0 else 0.0


NOTHING: Final = Counts({}, {}, {})


async def read(redis: "Redis") -> Counts:
    """As of now; raises `RedisError` or `OSError` when Redis does not answer."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.time()
        pipe.hgetall(keys.COUNTS)
        (seconds, microseconds), told = await pipe.execute()
    return Counts.parse(told, seconds + microseconds / 1e6)


def total(measured: Iterable[Durations]) -> Durations:
    return sum(measured, Durations())


def grouped(measured: Mapping[_Key, Durations], by: Callable[[_Key], _Group]) -> dict[_Group, Durations]:
    """Added up by what is asked of their keys: `grouped(counts.waited, lambda each: each.queue)`."""
    found: dict[_Group, Durations] = defaultdict(Durations)
    for key, each in measured.items():
        found[by(key)] += each
    return dict(found)


def lua() -> str:
    """The same for the scripts: as words, which cost less than numbers that become words."""
    tests = "\n".join(f"  if seconds <= {each:g} then return '{each:g}' end" for each in BOUNDS)
    return f"local MOST_COUNTS = {MOST_FIELDS}\nlocal function bound_of(seconds)\n{tests}\n  return 'inf'\nend"


_PLACES: Final = {f"{each:g}": place for place, each in enumerate((*BOUNDS, float("inf")))}


def _nothing() -> list[int]:
    return [0] * (len(BOUNDS) + 2)


def _place(bound: str) -> int:
    """Under the least of our bounds that holds it: another version may have others."""
    if bound in _PLACES:
        return _PLACES[bound]
    return next((place for place, each in enumerate(BOUNDS) if float(bound) <= each), len(BOUNDS))


def _rise(later: Durations, earlier: Durations | None) -> Durations:
    if earlier is None or later.count < earlier.count:
        return later
    within = tuple(map(_more, later.within, earlier.within))
    return Durations(within, _more(later.microseconds, earlier.microseconds))


def _more(later: int, earlier: int) -> int:
    return later - earlier if later >= earlier else later
