"""How returns move together: checks of covariance and correlation matrices, and their factors for drawing."""

from typing import Final

import numpy as np

from risk.quant.streams import Array

TRADING_DAYS_A_YEAR: Final = 252
_EIGENVALUE_ROUNDING: Final = 1e-10


class NotPositiveSemidefinite(ValueError):
    """A matrix that no set of returns can have; says its smallest eigenvalue."""


def factor(matrix: Array, name: str = "correlation") -> Array:
    """F (n, n) with F Fᵀ = matrix; raises `NotPositiveSemidefinite`, never mends the matrix.

    By eigenvalues rather than Cholesky, which refuses perfectly correlated positions.
    """
    eigenvalues, vectors = np.linalg.eigh(matrix)
    scale = max(1e-300, float(np.abs(eigenvalues).max()))
    if eigenvalues[0] < -_EIGENVALUE_ROUNDING * scale * len(matrix):
        raise NotPositiveSemidefinite(
            f"the {name} matrix is not positive semidefinite: its smallest eigenvalue is {eigenvalues[0]:.6g}"
        )
    found: Array = vectors * np.sqrt(np.maximum(eigenvalues, 0.0))
    return found
