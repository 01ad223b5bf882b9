"""How long the blocks of a block bootstrap must be, chosen from the series itself.

The package arch has the same rule as `optimal_block_length`; it brings pandas, statsmodels and 93 MB into a worker.
"""

from math import ceil, log10, sqrt
from typing import Final

import numpy as np

from risk.quant.streams import Array

_SIGNIFICANT: Final = 2.0  # an autocorrelation below 2 √(log₁₀ n / n) counts as none
_LONGEST: Final = 3.0  # at most 3 √n and a third of the series, as Patton et al. take it


def block_length(series: Array) -> float:
    """For the circular block bootstrap of a mean of (n,): Politis and White (2004), corrected by Patton et al. (2009).

    (2 G² / D)^⅓ n^⅓ with a flat-top lag window that ends where the autocorrelations do; at least 1.
    """
    n = len(series)
    runs = max(5, ceil(sqrt(log10(n))))
    farthest = min(n - 1, ceil(sqrt(n)) + runs)
    covariances = _autocovariances(series, farthest)
    if covariances[0] <= 0:
        return 1.0
    window = min(2 * _last_significant(covariances[1:] / covariances[0], n, runs), farthest)
    lags = np.arange(1, window + 1)
    weights = np.clip(2 * (1 - lags / window), 0, 1)
    spectrum = covariances[0] + 2 * float(weights @ covariances[1 : window + 1])
    slope = 2 * float((weights * lags) @ covariances[1 : window + 1])
    if spectrum <= 0:
        return 1.0
    optimal = (2 * slope**2 / (4 / 3 * spectrum**2)) ** (1 / 3) * n ** (1 / 3)
    return float(min(max(1.0, optimal), ceil(min(_LONGEST * sqrt(n), n / 3))))


def _autocovariances(series: Array, farthest: int) -> Array:
    n = len(series)
    spectrum = np.fft.rfft(series - series.mean(), 2 * n)
    covariances: Array = np.fft.irfft(np.abs(spectrum) ** 2)[: farthest + 1] / n
    return covariances


def _last_significant(correlations: Array, n: int, runs: int) -> int:
    """The lag after which `runs` autocorrelations in a row count as none; else the last that does not; at least 1."""
    large = np.abs(correlations) >= _SIGNIFICANT * sqrt(log10(n) / n)
    for lag in range(len(large) - runs + 1):
        if not large[lag : lag + runs].any():
            return max(1, lag)
    return int(np.flatnonzero(large)[-1]) + 1
