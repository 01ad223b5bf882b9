"""Value at risk and expected shortfall of a portfolio by Monte Carlo simulation of normal returns."""

from dataclasses import dataclass
from math import ceil, floor, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TRADING_DAYS_A_YEAR: Final = 252
NORMALS_PER_CHUNK: Final = 1 << 19  # 4 MB of them: small next to a worker, large next to numpy's overhead
_EIGENVALUE_ROUNDING: Final = 1e-10
_Z_95: Final = 1.959963984540054  # two-sided 95 % of a standard normal


class NotPositiveSemidefinite(ValueError):
    """A correlation matrix that no set of returns can have; says its smallest eigenvalue."""


@dataclass(frozen=True)
class LossMeasure:
    """Amounts in the portfolio's currency; a loss is positive."""

    value_at_risk: float
    expected_shortfall: float
    standard_error: float  # of the value at risk
    confidence_interval: tuple[float, float]  # 95 %, of the value at risk


def horizon_deviations(values: Array, volatilities: Array, days: int) -> Array:
    """Standard deviation (n,) of each position's gain over `days`, in currency: value × σ × √(days / 252)."""
    return np.abs(values) * volatilities * sqrt(days / TRADING_DAYS_A_YEAR)


def correlation_factor(correlations: Array) -> Array:
    """F (n, n) with F Fᵀ = correlations; raises `NotPositiveSemidefinite`, never mends the matrix.

    By eigenvalues rather than Cholesky, which refuses perfectly correlated positions.
    """
    eigenvalues, vectors = np.linalg.eigh(correlations)
    if eigenvalues[0] < -_EIGENVALUE_ROUNDING * len(correlations):
        raise NotPositiveSemidefinite(
            f"the correlation matrix is not positive semidefinite: its smallest eigenvalue is {eigenvalues[0]:.6g}"
        )
    factor: Array = vectors * np.sqrt(np.maximum(eigenvalues, 0.0))
    return factor


def simulate_gains(loadings: Array, simulations: int, seed: int) -> Array:
    """Gain (simulations,) of the portfolio in each scenario: loadings (n,) · n standard normals, drift zero.

    Drawn in chunks whose size depends on n alone, each with its own child seed: the same seed gives the same bits
    on any worker.
    """
    gains = np.empty(simulations)
    chunk = max(1, NORMALS_PER_CHUNK // len(loadings))
    starts = range(0, simulations, chunk)
    for start, child in zip(starts, np.random.SeedSequence(seed).spawn(len(starts)), strict=True):
        part = gains[start : start + chunk]
        normals = np.random.Generator(np.random.PCG64(child)).standard_normal((len(part), len(loadings)))
        np.matmul(normals, loadings, out=part)
    return gains


def measure_losses(gains: Array, confidence: float) -> LossMeasure:
    """Measures the losses −gains at `confidence` (0–1, exclusive).

    Value at risk: the order statistic ⌈n·c⌉ of the losses. Expected shortfall: the mean of the worst (1 − c) share,
    with the boundary loss counted in part (Rockafellar and Uryasev 2002, eq. 30). The interval: order statistics at
    the binomial quantiles of rank n·c, free of any assumption on the distribution (David and Nagaraja, 2003, § 7.1).
    """
    losses = -gains
    n = len(losses)
    rank = n * confidence
    spread = _Z_95 * sqrt(n * confidence * (1 - confidence))
    at = min(n - 1, max(0, ceil(rank - 1e-9) - 1))
    low = min(n - 1, max(0, floor(rank - spread) - 1))
    high = min(n - 1, max(0, ceil(rank + spread) - 1))
    losses.partition(sorted({low, at, high}))
    value_at_risk = float(losses[at])
    tail = float(losses[at + 1 :].sum()) + (at + 1 - rank) * value_at_risk
    interval = (float(losses[low]), float(losses[high]))
    return LossMeasure(
        value_at_risk=value_at_risk,
        expected_shortfall=tail / (n - rank),
        standard_error=(interval[1] - interval[0]) / (2 * _Z_95),
        confidence_interval=interval,
    )
