"""One chart of the dashboard, and the row that it stands in."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Panel:
    """One chart: `queries` are PromQL → what its lines are called."""

    title: str
    queries: dict[str, str]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    height: int = 7
    means: str = ""
    limit: float | None = None  # drawn as a line: where an alert begins
    states: Sequence[tuple[str, str]] = ()  # what the values 0, 1, 2 … mean, and their colours


@dataclass(frozen=True)
class Row:
    """A heading and its panels."""

    title: str
    panels: Sequence[Panel]
