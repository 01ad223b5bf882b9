"""Covariance of observed returns: as it is, or shrunk towards equal variances without correlation.

Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices", J. Multivariate Analysis
88(2), as scikit-learn's LedoitWolf computes it: ten lines here, where importing that takes a worker two seconds and 127
MiB.
"""

import numpy as np

from risk.quant.streams import Array


def sample_covariance(returns: Array) -> Array:
    """Covariance (n, n) of returns (periods, n), divided by one less than the periods."""
    centred, scale = _centred(returns)
    found: Array = centred.T @ centred / (len(returns) - 1) * scale**2
    return found


def ledoit_wolf(returns: Array) -> tuple[Array, float]:
    """Covariance (n, n) of returns (periods, n), divided by the periods, and the share of the identity in it, 0 … 1."""
    periods, size = returns.shape
    centred, scale = _centred(returns)
    sample: Array = centred.T @ centred / periods
    identity = np.trace(sample) / size
    distance = float(np.sum((sample - identity * np.eye(size)) ** 2))
    squares = np.sum(centred**2, axis=1)
    # The mean squared distance of one period's own covariance to the sample's: lemma 3.4 of the paper.
    error = (float(squares @ squares) / periods - float(np.sum(sample**2))) / periods
    share = min(max(error, 0.0), distance) / distance if distance > 0 else 0.0
    shrunk: Array = (1 - share) * sample + share * identity * np.eye(size)
    return shrunk * scale**2, share


def _centred(returns: Array) -> tuple[Array, float]:
    """Returns less their means, and what they were divided by: the fourth powers of small ones would be 0."""
    centred = returns - returns.mean(axis=0)
    centred[:, np.ptp(returns, axis=0) == 0] = 0.0  # a mean has the rounding of its sum
    scale = float(np.abs(centred).max()) or 1.0
    return centred / scale, scale
