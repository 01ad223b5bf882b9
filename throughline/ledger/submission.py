"""What the front door needs to know of a task, the limits that it goes by, and what it decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from throughline.ledger import redis_clock
from throughline.ledger.envelope import Origin, celery_message
from throughline.ledger.message import Queue
from throughline.settings import ApiSettings, WorkerSettings


class Submission(NamedTuple):
    """One task that asks to be taken."""

    task_id: str
    queue: Queue
    correlation_id: str
    message: bytes
    record: Mapping[str, str]
    idempotency_key: str = ""  # the Redis key; empty when the client sent none
    payload_hash: str = ""
    gone: str = ""  # the task that the key names, and that nobody knows any more: no replay of it

    @classmethod
    def of(
        cls,
        task_id: str,
        task_type: str,
        data: Any,
        queue: Queue,
        origin: Origin,
        *,
        priority: str = "",
        idempotency: tuple[str, str] = ("", ""),
    ) -> Self:
        """With its record and its message. `idempotency`: the key in Redis and the hash of the payload."""
        record = {
            "task_type": task_type,
            "queue": queue.value,
            "priority": priority or queue.value,
            "caller": origin.caller,
            "correlation_id": origin.correlation_id,
            "trace_id": origin.traceparent[3:35],
        }
        if origin.version:
            record["accepted_by_version"] = origin.version
        if origin.parent_id:
            record["parent_id"] = origin.parent_id
        if origin.resubmitted_from:
            record["resubmitted_from"] = origin.resubmitted_from
        message = celery_message(task_id, task_type, data, queue, origin, published_at=redis_clock.own.now())
        return cls(task_id, queue, origin.correlation_id, message, record, *idempotency)


@dataclass(frozen=True)
class Limits:
    """When a task is taken, and for how long what is stored of it lives. Times in seconds."""

    max_depth: int
    close_depth: int
    open_seconds: float
    ttl: int
    idempotency_ttl: int
    memory_percent: float  # of Redis's maxmemory: none is taken while it uses more

    @classmethod
    def of(cls, settings: ApiSettings | WorkerSettings) -> Self:
        return cls(
            max_depth=settings.circuit_max_depth,
            close_depth=settings.circuit_close_depth,
            open_seconds=settings.circuit_open_seconds,
            ttl=settings.result_ttl_seconds,
            idempotency_ttl=settings.idempotency_ttl_seconds,
            memory_percent=settings.memory_admission_percent,
        )


class Decision(NamedTuple):
    """The front door's answer: `outcome` is accepted, replayed, key_reused, circuit_open or memory_full."""

    outcome: str
    position: int = 0
    estimated_start: float | None = None  # seconds since 1970; None when nobody works or nothing was measured yet
    first_task_id: str = ""
    retry_after: int = 0
    transitions: tuple[str, ...] = ()
    at: float | None = None  # when it was accepted

    @classmethod
    def of(cls, answer: list[Any]) -> Self:
        outcome, *rest = answer
        match outcome:
            case "accepted":
                position, starts, at, *transitions = rest
                return cls(
                    "accepted",
                    position=int(position),
                    estimated_start=float(starts) if starts else None,
                    transitions=tuple(map(str, transitions)),
                    at=float(at),
                )
            case "replayed":
                return cls("replayed", first_task_id=str(rest[0]))
            case "circuit_open" | "memory_full":
                return cls(outcome, retry_after=int(rest[0]), transitions=tuple(map(str, rest[1:])))
            case _:
                return cls("key_reused")
