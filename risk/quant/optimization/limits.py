"""What weights keep to beside adding up to 1, each limit by the name that the client knows it by."""

from dataclasses import dataclass, field

import numpy as np

from risk.quant.streams import Array


@dataclass(frozen=True)
class Group:
    """How much the members (indices) may hold together."""

    name: str
    members: list[int]
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Limits:
    """Bounds of each weight and of groups of them."""

    long_only: bool = True
    least: float | None = None  # of each weight
    most: float | None = None
    groups: list[Group] = field(default_factory=list)

    @property
    def lowest(self) -> float:
        """What no weight is below."""
        least = -np.inf if self.least is None else self.least
        return float(max(0.0, least) if self.long_only else least)

    @property
    def highest(self) -> float:
        return float(np.inf if self.most is None else self.most)

    def of_groups(self, size: int) -> tuple[Array, Array, Array]:
        """A row (size,) of ones and zeros for each group, and the least and the most that it may come to."""
        rows = np.zeros((len(self.groups), size))
        for row, group in zip(rows, self.groups, strict=True):
            row[group.members] = 1.0
        least = np.array([-np.inf if g.least is None else g.least for g in self.groups])
        most = np.array([np.inf if g.most is None else g.most for g in self.groups])
        return rows, least, most
