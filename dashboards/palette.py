"""The colours of what people look at: one for each meaning, on the page, in Kibana and in Grafana.

One value serves light and dark grounds, since a saved dashboard does not know on which one it will be shown: each
stands out 3:1 from both. tests/unit/test_palette.py holds that, and that people who are colour-blind can tell the
colours of one chart apart.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

GROUNDS: Final = {
    "white": "#ffffff",
    "the page, dark": "#161d27",
    "Kibana, dark": "#1d1e24",
    "Grafana, dark": "#181b1f",
}

_GREEN: Final = "#08a880"
_RED: Final = "#c83020"
_PURPLE: Final = "#b040b0"
_GREY: Final = "#706870"
_BLUE: Final = "#2870e0"
_AMBER: Final = "#c88028"

STATES: Final = MappingProxyType(
    {"success": _GREEN, "failure": _RED, "retry": _PURPLE, "cancelled": _GREY, "started": _BLUE, "pending": _AMBER}
)
SERVICES: Final = MappingProxyType(
    {
        "nginx": "#207848",
        "api": "#00a0c8",
        "queue": _AMBER,
        "take": "#788878",
        "worker": _BLUE,
        "phase": "#786088",
        "monitor": "#f850b0",
    }
)
QUEUES: Final = MappingProxyType({"high": "#7850d0", "medium": "#40a0b8", "low": "#b09010"})
BREAKER: Final = MappingProxyType({"closed": _GREEN, "half_open": _AMBER, "open": _RED})
PERCENTILES: Final = MappingProxyType({"p50": "#08a0d0", "p95": "#5068d0", "p99": "#b84078"})
# Time in a queue and time of running: amber and blue as above, the rarer value darker.
WAIT_AND_RUN: Final = MappingProxyType(
    {"wait-p50": "#b09050", "wait-p95": "#906018", "run-p50": "#4898e0", "run-p95": "#3868b8"}
)
WAIT: Final = SERVICES["queue"]
RUN: Final = SERVICES["worker"]
FAILED: Final = STATES["failure"]
OTHER: Final = _GREY
# Versions, workers, task types have no colours of their own: they take these in order, and begin again after the last.
SEQUENCE: Final = ("#3068e0", "#d07868", "#9058a8", "#589800", "#b078a8", "#407808", "#6088f8", "#b05070")


def of_place(place: int) -> str:
    """The colour of the `place`th of things that have none of their own, from 0."""
    return SEQUENCE[place % len(SEQUENCE)]


def variables() -> Mapping[str, str]:
    """The page's CSS variables, without their two dashes."""
    named = STATES | SERVICES | QUEUES | BREAKER | PERCENTILES | WAIT_AND_RUN
    in_order = {f"series-{number}": colour for number, colour in enumerate(SEQUENCE, start=1)}
    return named | {"wait": WAIT, "run": RUN, "failed": FAILED, "other": OTHER} | in_order
