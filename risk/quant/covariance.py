"""How returns move together: checks of covariance and correlation matrices, and their factors for drawing."""

from typing import Final

import numpy as np

from risk.quant.streams import Array

_ROUNDING: Final = 1e-6  # of a correlation, as risk/matrices.py trusts its entries


class NotPositiveSemidefinite(ValueError):
    """A matrix that no set of returns can have; says the smallest eigenvalue of its correlations."""


def factor(matrix: Array, name: str = "correlation") -> Array:
    """F (n, n) with F Fᵀ = matrix; raises `NotPositiveSemidefinite`, never mends more than rounding.

    By eigenvalues rather than Cholesky, which refuses perfectly correlated positions. Of the correlations, so that what
    rounding is does not depend on the scale of an asset: variances of 1e-10 and 1 may stand in one matrix.
    """
    deviations = np.sqrt(np.diag(matrix))
    eigenvalues, vectors = np.linalg.eigh(matrix / deviations[:, None] / deviations)
    if eigenvalues[0] < -_ROUNDING:
        raise NotPositiveSemidefinite(
            f"the {name} matrix is not positive semidefinite: the smallest eigenvalue "
            f"{'of its correlations ' if name == 'covariance' else ''}is {eigenvalues[0]:.6g}"
        )
    loadings = vectors * np.sqrt(np.maximum(eigenvalues, 0.0))
    # Exactly the deviations that were sent, though an eigenvalue slightly below 0 became 0.
    scaled: Array = loadings * (deviations / np.linalg.norm(loadings, axis=1))[:, None]
    return scaled
