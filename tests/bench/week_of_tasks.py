"""A week of ended tasks as rows of the history, by the million: frequent and rare values of each filter among them."""

import random
from collections.abc import Iterator
from math import exp, log
from typing import Any, Final

import orjson

from throughline.ledger.history.duration_class import duration_class
from throughline.ledger.history.rows import rows_of
from throughline.ledger.stored_task import StoredTask

END: Final = 1_700_000_000.0
START: Final = END - 7 * 86_400
RARE: Final = 5  # tasks, the oldest of all: whoever searches for them from the newest on has all others before them
TASK_COLUMNS: Final = tuple(rows_of(StoredTask("", {})).task)
BODY_COLUMNS: Final = ("record", "result", "message")

_TYPES: Final = tuple(f"type-{number}" for number in range(8))
_ERRORS: Final = ("ValueError", "PermanentError", "TemporaryError", "TimeLimitExceeded", "MemoryError")


def example(number: int = 0, *, result: str = '{"words":6}') -> StoredTask:
    """One small task as a worker leaves it in Redis."""
    task_id = f"{number:08x}-5ad1-4c3e-9d6c-{number:012x}"
    at = START + number
    attempt = {"worker": "worker-1", "process": 4711, "started_at": at, "finished_at": at, "outcome": "SUCCESS"}
    fields = {
        "status": "SUCCESS",
        "version": "3",
        "task_type": _TYPES[0],
        "queue": "medium",
        "priority": "medium",
        "correlation_id": f"load-{number:012x}",
        "trace_id": f"{number:032x}",
        "submitted_at": f"{at:.6f}",
        "started_at": f"{at + 0.1:.6f}",
        "finished_at": f"{at + 0.2:.6f}",
        "deliveries": "1",
    }
    meta = f'{{"status":"SUCCESS","result":{result},"traceback":null,"children":[],"task_id":"{task_id}"}}'
    return StoredTask(task_id, fields, (orjson.dumps(attempt).decode(),), (), meta)


def rows(count: int, *, callers: bool) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """`count` tasks, the oldest first: each the values of TASK_COLUMNS and of BODY_COLUMNS."""
    chance = random.Random(13)
    made = rows_of(example())
    body = tuple(made.body[name] for name in BODY_COLUMNS)
    for number in range(count):
        row = made.task | _drawn(number, count, chance) | {"task_id": example_id(number)}
        row["correlation_id"] = f"load-{number // 3:012x}"
        if callers:
            row["caller"] = _rarely(number, "once") or chance.choices(("ann", "bob", "eve"), (80, 19, 1))[0]
        yield tuple(row[name] for name in TASK_COLUMNS), body


def example_id(number: int) -> str:
    return f"{number * 2654435761 % 2**32:08x}-5ad1-4c3e-9d6c-{number:012x}"


def _drawn(number: int, count: int, chance: random.Random) -> dict[str, Any]:
    submitted = START + 7 * 86_400 * number / count
    total = 7_200_000.0 if number < RARE else exp(chance.gauss(log(200), 1.2))
    status = _rarely(number, "FAILURE") or chance.choices(("SUCCESS", "FAILURE", "REVOKED"), (949, 50, 1))[0]
    failed = status == "FAILURE"
    error = (_rarely(number, "OnceError") or chance.choice(_ERRORS)) if failed else None
    shape = "position <n> of <n> has no price" if failed else None
    task_type = _rarely(number, "once") or chance.choices(_TYPES, (50, 20, 10, 8, 6, 4, 1, 1))[0]
    return {
        "status": status,
        "task_type": task_type,
        "queue": _rarely(number, "once") or chance.choice(("high", "medium", "low")),
        "worker": _rarely(number, "worker-once") or f"worker-{chance.randrange(12)}",
        "error_type": error,
        "error_shape": shape,
        "error_group": None if error is None else sum(map(ord, error)),
        "dead_letter": submitted if failed and chance.random() < 0.1 else None,
        "submitted_at": submitted,
        "started_at": submitted + 0.1,
        "finished_at": submitted + total / 1000,
        "ended_at": submitted + total / 1000,
        "queue_wait_ms": 100.0,
        "run_ms": max(0.0, total - 100),
        "total_ms": total,
        "duration_class": duration_class(total),
    }


def _rarely(number: int, value: str) -> str:
    return value if number < RARE else ""
