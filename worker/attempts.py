"""What a worker learns when it claims a task: which attempt it makes, and how the one before it ended."""

from dataclasses import dataclass
from typing import Self

import orjson


@dataclass(frozen=True)
class EarlierAttempt:
    """An attempt that is over. Times in seconds since the epoch, by Redis's clock."""

    number: int
    worker: str
    process: int
    started_at: float
    finished_at: float
    cause: str

    @classmethod
    def from_json(cls, told: str) -> Self:
        attempt = orjson.loads(told)
        return cls(
            attempt["number"],
            attempt["worker"],
            attempt["process"],
            float(attempt["started_at"]),
            float(attempt["finished_at"]),
            attempt.get("cause", ""),
        )


@dataclass(frozen=True)
class Claim:
    """Redis's answer to a process that is about to run a task: see claim.lua."""

    outcome: str  # run, cancel, running, dead, or the final status that the task has come to already
    attempt: int = 1
    before: EarlierAttempt | None = None
    lost: bool = False  # the one before was lost with its process, which could leave no span
