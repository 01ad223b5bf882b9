"""Logs that new tasks begin or cease to be refused, in the process whose call of a script found it."""

from collections.abc import Iterable
from typing import Final

from throughline.telemetry.logging import event

_EVENTS: Final = {
    "open": ("circuit.opened", "The circuit breaker opened: too many tasks are waiting", "circuit.state"),
    "half_open": ("circuit.half_opened", "The circuit breaker lets one request probe", "circuit.state"),
    "closed": ("circuit.closed", "The circuit breaker closed: tasks are taken again", "circuit.state"),
    "full": ("memory.filled", "Redis's memory is full up to its reserve: new tasks are refused", "memory.state"),
    "freed": ("memory.freed", "Redis has memory for new tasks again", "memory.state"),
}


def tell(transitions: Iterable[str]) -> None:
    for state in transitions:
        action, message, field = _EVENTS[state]
        event(action, message, {field: state})
