"""Random numbers, one independent stream for each chunk: the same seed gives the same bits on any worker."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NORMALS_PER_CHUNK: Final = 1 << 16  # half a MB of them, under a millisecond: they stay in the cache


def chunk_rows(dimensions: int) -> int:
    """Scenarios in a chunk of `dimensions` normals each; depends on nothing else, or the bits would."""
    return max(1, NORMALS_PER_CHUNK // dimensions)


def chunk_sizes(simulations: int, rows: int) -> list[int]:
    """`simulations` as whole chunks of `rows` and a rest."""
    whole, rest = divmod(simulations, rows)
    return [rows] * whole + [rest] * (rest > 0)


def stream(seed: int, chunk: int) -> np.random.Generator:
    """The stream of the chunk of that number: child `chunk` of `SeedSequence(seed).spawn`, made without the others."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(chunk,))))
