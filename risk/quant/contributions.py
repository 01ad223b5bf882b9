"""What each position adds to the value at risk: Euler's allocation, whose parts add up to the whole."""

from typing import Final

import numpy as np

from risk.quant.checkpoint import Checkpoint, Progress, unobserved
from risk.quant.portfolio import Portfolio
from risk.quant.scenarios import Losses
from risk.quant.streams import Array

NEAREST: Final = 500  # scenarios that a conditional mean is taken over
NEAREST_GAINS: Final = 2_000_000  # 16 MB: fewer scenarios for more than 4,000 positions
SEARCHED: Final = 50_000  # scenarios in which the nearest are looked for


def of_elliptical(portfolio: Portfolio, value_at_risk: float) -> Array:
    """Exact, of returns that are jointly normal or jointly Student's t:
    E[lossᵢ | loss = value at risk] = −meanᵢ + covᵢ / variance × (value at risk + mean)
    (McNeil, Frey and Embrechts, 2015, Quantitative Risk Management, § 8.5)."""
    covariances = portfolio.covariances_with_gain
    variance = float(covariances.sum())
    means = portfolio.values * portfolio.means
    if variance <= 0:
        return spread_rest(-means, value_at_risk, portfolio.values)
    parts: Array = covariances / variance * (value_at_risk + portfolio.mean_gain) - means
    return parts


def of_scenarios(
    gains: Losses, sizes: list[int], value_at_risk: float, values: Array, checkpoint: Checkpoint = unobserved
) -> Array:
    """E[lossᵢ | loss = value at risk] as the mean over the scenarios nearest to it; chunks are drawn a second time."""
    near = np.empty((0, len(values)))
    count = min(NEAREST, NEAREST_GAINS // len(values))
    searched = 0
    for chunk, rows in enumerate(sizes):
        near = _nearest(np.vstack([near, gains(chunk, rows)]), value_at_risk, count)
        searched += rows
        if searched >= SEARCHED:
            break
        checkpoint(Progress(1.0, value_at_risk))
    return spread_rest(-near.mean(axis=0), value_at_risk, values)


def of_history(gains: Array, value_at_risk: float, values: Array) -> Array:
    """As `of_scenarios`, over the fiftieth of the history that is nearest."""
    near = _nearest(gains, value_at_risk, max(1, len(gains) // 50))
    return spread_rest(-near.mean(axis=0), value_at_risk, values)


def spread_rest(parts: Array, total: float, values: Array) -> Array:
    """Adds what is missing to the total to each part, in proportion to the position's size."""
    sizes = np.abs(values)
    whole = float(sizes.sum())
    shares = sizes / whole if whole > 0 else np.full(len(sizes), 1 / len(sizes))
    added: Array = parts + shares * (total - float(parts.sum()))
    return added


def _nearest(gains: Array, value_at_risk: float, count: int) -> Array:
    if len(gains) <= count:
        return gains
    distance = np.abs(gains.sum(axis=1) + value_at_risk)
    chosen: Array = gains[np.sort(np.argpartition(distance, count - 1)[:count])]
    return chosen
