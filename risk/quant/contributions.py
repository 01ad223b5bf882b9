"""What each position adds to the value at risk: Euler's allocation, whose parts add up to the whole.

The part is the position's mean loss given that the portfolio loses the value at risk (D. Tasche, 1999, Risk
contributions and performance measurement).
"""

from itertools import accumulate
from typing import Final

import numpy as np

from risk.quant.checkpoint import Checkpoint, Progress, unobserved
from risk.quant.conditional_mean import ConditionalMean, nearest
from risk.quant.portfolio import Portfolio
from risk.quant.scenarios import Losses
from risk.quant.streams import Array

SEARCHED: Final = 100_000  # scenarios that the near ones are taken from
PILOT: Final = 10_000  # of them to see how near the near ones are
NEAR: Final = 50  # scenarios of the pilot, at least, or a hundredth of it
NEAR_DAYS: Final = 20  # of a history, at least, or a twentieth of it


def of_elliptical(portfolio: Portfolio, value_at_risk: float) -> Array:
    """Exact, of returns that are jointly normal or jointly Student's t:
    E[lossᵢ | loss = value at risk] = −meanᵢ + covᵢ / variance × (value at risk + mean)
    (McNeil, Frey and Embrechts, 2015, Quantitative Risk Management, § 8.5)."""
    covariances = portfolio.covariances_with_gain
    variance = float(covariances.sum())
    means = portfolio.values * portfolio.means
    if variance <= 0:
        return _spread(-means, value_at_risk, np.abs(portfolio.values))
    parts: Array = covariances / variance * (value_at_risk + portfolio.mean_gain) - means
    return parts


def of_scenarios(
    gains: Losses, sizes: list[int], value_at_risk: float, values: Array, checkpoint: Checkpoint = unobserved
) -> Array:
    """From simulated gains (scenarios, n), whose chunks are drawn a second time."""
    pilot: list[Array] = []
    for chunk, drawn in enumerate(accumulate(sizes)):
        pilot.append(-gains(chunk, sizes[chunk]).sum(axis=1))
        checkpoint(Progress(1.0, value_at_risk))
        if drawn >= PILOT:
            break
    losses = np.concatenate(pilot)
    near = ConditionalMean(
        value_at_risk, nearest(losses, value_at_risk, max(NEAR, len(losses) // 100)), np.ones(len(values))
    )
    for chunk, drawn in enumerate(accumulate(sizes)):
        drawn_gains = gains(chunk, sizes[chunk])
        near.add(-drawn_gains.sum(axis=1), drawn_gains)
        checkpoint(Progress(1.0, value_at_risk))
        if drawn >= SEARCHED:
            break
    return allocated(near, value_at_risk, values)


def of_history(gains: Array, value_at_risk: float, values: Array) -> Array:
    """From observed gains (periods, n)."""
    losses = -gains.sum(axis=1)
    width = nearest(losses, value_at_risk, max(NEAR_DAYS, len(gains) // 20))
    near = ConditionalMean(value_at_risk, width, np.ones(len(values)))
    near.add(losses, gains)
    return allocated(near, value_at_risk, values)


def allocated(near: ConditionalMean, total: float, values: Array) -> Array:
    """The mean losses of the positions, `settled`; `near` holds their gains."""
    mean = near.mean
    if mean is None:
        return settled(np.zeros(len(values)), total, values, np.abs(values))
    return settled(-mean, total, values, near.variance)


def settled(parts: Array, total: float, values: Array, spreads: Array) -> Array:
    """The parts, adding up to the total, none above what its position can lose or gain.

    A long position loses at most its value, and a short one gains at most what it was sold for. What is missing to the
    total goes to the positions in proportion to `spreads` (n,), their variances: one that hardly moves is not what the
    others' losses miss.
    """
    least, most = np.where(values < 0, values, -np.inf), np.where(values > 0, values, np.inf)
    parts = np.clip(parts, least, most)
    for _ in range(100):
        rest = total - float(parts.sum())
        if abs(rest) <= 1e-14 * float(np.abs(parts).sum()):
            break
        free = (parts < most if rest > 0 else parts > least) & (values != 0)
        if not free.any():
            break
        parts = np.clip(_spread(parts, total, np.where(free, spreads, 0.0)), least, most)
    return parts


def _spread(parts: Array, total: float, shares: Array) -> Array:
    """Adds what is missing to the total in proportion to the shares, or evenly when all are 0."""
    whole = float(shares.sum())
    even = shares / whole if whole > 0 else np.full(len(shares), 1 / len(shares))
    added: Array = parts + even * (total - float(parts.sum()))
    return added
