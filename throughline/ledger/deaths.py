"""Deaths of workers and of their processes, as the ledger keeps the latest hundred: when, why, and what was running."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

import orjson


class DeathCause(StrEnum):
    """Why it died, as a code: `words` has it for people."""

    SIGNAL = "signal"
    MEMORY = "memory"
    EXIT = "exit"
    TIME_LIMIT = "time_limit"
    TERMINATED = "terminated"
    NO_HEARTBEAT = "no_heartbeat"
    RESTARTED = "restarted"


_WORDS: Final = {
    DeathCause.SIGNAL: "killed by signal {detail}",
    DeathCause.MEMORY: "killed by the system for want of memory",
    DeathCause.EXIT: "exited with code {detail}",
    DeathCause.TIME_LIMIT: "killed by its worker: the task ran past its hard time limit",
    DeathCause.TERMINATED: "killed by its worker: the task was terminated through Celery",
    DeathCause.NO_HEARTBEAT: "sent no heartbeat any more",
    DeathCause.RESTARTED: "was killed, and started again",
}


@dataclass(frozen=True)
class InterruptedTask:
    """A task that was running in what died; its type and correlation ID are empty when it has no record any more."""

    task_id: str
    task_type: str = ""
    correlation_id: str = ""


@dataclass(frozen=True)
class Death:
    """One death; `process` is None for a whole worker. Times are seconds since 1970 by Redis's clock."""

    worker: str
    process: int | None
    at: float  # when it was noticed
    last_seen_at: float | None  # the last heartbeat of a worker
    code: str  # a DeathCause, or what a later version calls one
    detail: int | None  # the signal, or the exit code
    tasks: tuple[InterruptedTask, ...] = ()

    @classmethod
    def parse(cls, told: str | bytes) -> Self:
        """What another version wrote has what it has."""
        death: Mapping[str, Any] = orjson.loads(told)
        return cls(
            worker=str(death.get("worker", "")),
            process=int(death["process"]) if death.get("process") else None,
            at=float(death.get("at", 0)),
            last_seen_at=float(death["last_seen_at"]) if death.get("last_seen_at") else None,
            code=str(death.get("cause", "")),
            detail=int(death["detail"]) if death.get("detail") is not None else None,
            tasks=tuple(
                InterruptedTask(
                    str(task["task_id"]), str(task.get("task_type", "")), str(task.get("correlation_id", ""))
                )
                for task in death.get("tasks", ())
            ),
        )

    @property
    def cause(self) -> str:
        """Why, in words: `killed by signal 9 (SIGKILL)`."""
        return death_cause(self.code, self.detail)


def death_cause(code: str, detail: int | None) -> str:
    """The words for a cause; the code itself for one that this version does not know."""
    if code not in _WORDS:
        return code or "for a reason that is not known"
    named = f"{detail}" if detail is not None else "unknown"
    if code == DeathCause.SIGNAL and detail is not None:
        named = _signal(detail)
    return _WORDS[DeathCause(code)].format(detail=named)


def _signal(number: int) -> str:
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:
        return str(number)
