"""The settings that must fit each other, checked in every process that reads both of the two."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

KILL_MARGIN_SECONDS: Final = 5  # a worker hands its tasks back after its time to finish them, before it is killed


@dataclass(frozen=True)
class Order:
    """`smaller` + `margin` must be below `larger` (or equal, where `may_be_equal`), or else: `otherwise`."""

    smaller: str
    larger: str
    otherwise: str
    may_be_equal: bool = False
    margin: int = 0

    def line(self, values: Mapping[str, Any]) -> str | None:
        """What is wrong, in one line that names both variables; None when they fit, or one of them is not read here."""
        if self.smaller not in values or self.larger not in values:
            return None
        smaller, larger = values[self.smaller] + self.margin, values[self.larger]
        if smaller < larger or (self.may_be_equal and smaller == larger):
            return None
        names = [f"{name.upper()} ({_number(values[name])})" for name in (self.smaller, self.larger)]
        return f"{names[0]} must be {self.relation} {names[1]}: {self.otherwise}"

    @property
    def relation(self) -> str:
        return f"at least {self.margin} below" if self.margin else "at most" if self.may_be_equal else "below"


ORDERS: Final = (
    Order(
        "circuit_close_depth",
        "circuit_max_depth",
        "the circuit breaker would close at a depth at which it opens again.",
        may_be_equal=True,
    ),
    Order(
        "task_soft_time_limit_seconds",
        "task_time_limit_seconds",
        "a task would be killed before it is asked to stop.",
    ),
    Order(
        "task_time_limit_seconds",
        "visibility_timeout_seconds",
        "a task that still runs would be delivered a second time.",
    ),
    Order(
        "worker_shutdown_seconds",
        "worker_kill_seconds",
        "a worker would be killed before it has handed back its tasks.",
        may_be_equal=True,
        margin=KILL_MARGIN_SECONDS,
    ),
    Order(
        "idempotency_ttl_seconds",
        "result_ttl_seconds",
        "a repeated request would be answered with a task that is no longer known.",
    ),
    Order(
        "task_retry_seconds",
        "result_ttl_seconds",
        "the record of a task that waits for its retry would expire before it.",
        may_be_equal=True,
    ),
    Order(
        "otel_bsp_max_export_batch_size",
        "otel_bsp_max_queue_size",
        "so many spans would never wait together.",
        may_be_equal=True,
    ),
)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def broken(values: Mapping[str, Any]) -> list[str]:
    """A line for each pair of these settings that does not fit."""
    return [line for order in ORDERS if (line := order.line(values))]
