"""Losses of a portfolio of lognormal prices, drawn around any point of their normals, and each position's part in them.

Normals, products and exponentials are in single precision, twice as fast as in double: a loss is then off by about a
millionth of what its positions move by, which is a random error like the sampling error and a thousand times smaller.
Positions that nearly hedge each other, and drifts whose prices single precision cannot hold, are drawn in double.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from risk.quant.checkpoint import Checkpoint, Progress, unobserved
from risk.quant.conditional_mean import ConditionalMean, nearest
from risk.quant.contributions import allocated, settled
from risk.quant.portfolio import Portfolio
from risk.quant.scenarios import Losses
from risk.quant.steepest import Steepest, in_one_direction, steepest
from risk.quant.stopwatch import Stopwatch
from risk.quant.streams import Array, chunk_rows, stream

HEDGED: Final = 1e-3  # of the sum of all positions' deviations: below it the portfolio's own is lost in rounding
LARGEST_DRIFT: Final = 20.0  # of a log return in single precision, whose largest number is e⁸⁸
PARTS_DRAWN: Final = 3_000_000  # normals for the contributions, at most
NEAR_SCENARIOS: Final = 2_000  # that the contributions rest on, with their mirror images
NEAREST: Final = 50  # scenarios of the pilot that are near, at least
PARTS_STREAM: Final = 1 << 31  # the number of their first chunk: no simulation has as many
Real = NDArray[Any]  # float32 or float64


@dataclass(frozen=True)
class Shifted:
    """Normals drawn around `reach` steps along a direction instead of around 0; the weight makes up for it.

    `near`: the share of the scenarios that count as near the value at risk.
    """

    along: Steepest
    reach: float
    near: float

    @property
    def pairs(self) -> int:
        """Of scenarios, at most, that tell the contributions."""
        return int(NEAR_SCENARIOS / self.near)

    def weights(self, steps: Real) -> Array:
        """The density around 0 over the one drawn from, `steps` (rows,) from the new centre."""
        found: Array = np.exp(-self.reach * steps.astype(np.float64) - self.reach**2 / 2)
        return found


class Lognormal:
    """Draws of the portfolio's log returns, in one or double precision."""

    def __init__(self, portfolio: Portfolio) -> None:
        values = np.abs(portfolio.values)
        hedged = portfolio.gain_deviation < HEDGED * float(values @ portfolio.deviations)
        high = float(np.abs(portfolio.means).max()) > LARGEST_DRIFT
        self.kind: Any = np.float64 if hedged or high else np.float32
        self.size = len(values)
        self.scale = float(values.max()) or 1.0
        self.values: Real = (portfolio.values / self.scale).astype(self.kind)
        self.centre = portfolio.means - portfolio.deviations**2 / 2
        moved = portfolio.deviations if portfolio.loadings is None else np.ascontiguousarray(portfolio.loadings.T)
        self._moved: Real = moved.astype(self.kind)
        self._normals: Real = np.empty((0, self.size), self.kind)
        self._returns: Real = np.empty((0, self.size), self.kind)

    def normals(self, seed: int, chunk: int, rows: int) -> Real:
        """(rows, n), in a buffer that the next call writes over."""
        if len(self._normals) < rows:
            self._normals, self._returns = np.empty((2, rows, self.size), self.kind)
        drawn = self._normals[:rows]
        stream(seed, chunk).standard_normal(dtype=self.kind, out=drawn)
        return drawn

    def moves(self, normals: Real) -> Real:
        """Log returns (rows, n) around 0, in a buffer too."""
        out = self._returns[: len(normals)]
        if self._moved.ndim == 1:
            return np.multiply(normals, self._moved, out=out)
        return np.matmul(normals, self._moved, out=out)

    def losses(self, moves: Real, centre: Real) -> Array:
        """(rows,) of the portfolio; `moves` become the returns."""
        moves += centre
        np.expm1(moves, out=moves)
        found: Array = (moves @ self.values).astype(np.float64) * -self.scale
        return found


def around(portfolio: Portfolio, confidence: float) -> Shifted | None:
    """Where the scenarios near the value at risk are drawn: around it, or around 0 where it has no one direction; None
    where no normal moves the portfolio."""
    along = steepest(portfolio, confidence)
    if along is None:
        return None
    if in_one_direction(portfolio, confidence):
        return Shifted(along, along.reach, 0.2)
    return Shifted(along, 0.0, min(0.1, max(0.01, 0.25 * min(confidence, 1 - confidence))))


def too_rare(portfolio: Portfolio, simulations: int) -> int | None:
    """The number of a short position whose mean loss comes from prices rarer than a simulation draws; None without one.

    The mean of a lognormal price lies where its normal is near its deviation: of 100 scenarios or more beyond that,
    the interval of the expected shortfall holds; of fewer it does not.
    """
    beyond = simulations * ndtr(-portfolio.deviations)
    rare = np.flatnonzero((portfolio.values < 0) & (beyond < 100))
    return int(rare[0]) if len(rare) else None


def losses_of(portfolio: Portfolio, seed: int, watch: Stopwatch, shifted: Shifted | None = None) -> tuple[Losses, int]:
    """Draws losses (rows,), or (2, rows) with their weights when they are shifted; and the rows of a chunk."""
    model = Lognormal(portfolio)
    moved = model.centre if shifted is None else model.centre + shifted.reach * shifted.along.moves
    centre = moved.astype(model.kind)

    def draw(chunk: int, rows: int) -> Array:
        watch.start()
        normals = model.normals(seed, chunk, rows)
        watch.lap("draw")
        moves = model.moves(normals)
        watch.lap("correlate")
        losses = model.losses(moves, centre)
        if shifted is not None:
            losses = np.stack([losses, shifted.weights(normals @ shifted.along.unit.astype(model.kind))])
        watch.lap("reprice")
        return losses

    return draw, chunk_rows(model.size)


def parts_of(
    portfolio: Portfolio, shifted: Shifted | None, value_at_risk: float, seed: int, checkpoint: Checkpoint = unobserved
) -> Array:
    """Contributions to the value at risk, from scenarios of their own; None where no normal moves the portfolio.

    Each comes with its mirror image across the direction of steepest loss: the two lose nearly the same, and what the
    positions move without a loss of the portfolio cancels.
    """
    model = Lognormal(portfolio)
    if shifted is None:
        return settled(np.zeros(model.size), value_at_risk, portfolio.values, np.abs(portfolio.values))
    rows = chunk_rows(model.size)
    count = max(1, min(shifted.pairs, PARTS_DRAWN // model.size) // rows)
    chunks = range(PARTS_STREAM, PARTS_STREAM + count)

    def drawn() -> Iterator[tuple[Array, Real, Array]]:
        for chunk in chunks:
            yield from _mirrored(model, shifted, seed, chunk, rows)
            checkpoint(Progress(1.0, value_at_risk))

    pilot = np.concatenate([losses for losses, _, _ in islice(drawn(), max(2, len(chunks) // 4))])
    width = nearest(pilot, value_at_risk, max(NEAREST, int(len(pilot) * shifted.near)))
    near = ConditionalMean(value_at_risk, width, portfolio.values)
    for losses, returns, weights in drawn():
        near.add(losses, returns, weights)
    return allocated(near, value_at_risk, portfolio.values)


def _mirrored(
    model: Lognormal, shifted: Shifted, seed: int, chunk: int, rows: int
) -> Iterator[tuple[Array, Real, Array]]:
    """Losses, returns and weights of a chunk, and of its mirror image."""
    centre = (model.centre + shifted.reach * shifted.along.moves).astype(model.kind)
    normals = model.normals(seed, chunk, rows)
    steps = normals @ shifted.along.unit.astype(model.kind)
    moves = model.moves(normals)
    image = 2 * np.outer(steps, shifted.along.moves.astype(model.kind)) - moves
    weights = shifted.weights(steps)
    for returns in (moves, image):
        yield model.losses(returns, centre), returns, weights
