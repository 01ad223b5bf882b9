"""Logs the circuit breaker's changes of state, in the process whose submission caused them."""

from collections.abc import Iterable
from typing import Final

from throughline.telemetry.logging import event

_EVENTS: Final = {
    "open": ("circuit.opened", "The circuit breaker opened: too many tasks are waiting"),
    "half_open": ("circuit.half_opened", "The circuit breaker lets one request probe"),
    "closed": ("circuit.closed", "The circuit breaker closed: tasks are taken again"),
}


def tell(transitions: Iterable[str]) -> None:
    for state in transitions:
        event(*_EVENTS[state], {"circuit.state": state})
