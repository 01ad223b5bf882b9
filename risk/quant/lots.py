"""What belongs to several lots of one symbol, shared between them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from risk.quant.streams import Array


@dataclass(frozen=True)
class Lots:
    """`values` (n,): of each lot, negative when short. `of` (n,): the number of its symbol, from 0."""

    values: Array
    of: NDArray[np.int64]

    def shared(self, parts: Array) -> Array:
        """Each lot's share (n,) of its symbol's part (m,), by value; lots that cancel have no part, and share none."""
        if len(parts) == len(self.values):
            return parts
        whole = np.bincount(self.of, self.values)
        gross = np.bincount(self.of, np.abs(self.values))
        netted = np.abs(whole) <= 1e-12 * gross
        per_value = np.where(netted, 0.0, parts / np.where(netted, 1.0, whole))
        shares: Array = self.values * per_value[self.of]
        return shares
