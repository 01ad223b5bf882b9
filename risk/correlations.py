"""The nearest correlation matrix where a client asks for it, and what to say of one that no returns can have."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from risk.errors import NotCalculable
from risk.observed import checkpoint_of
from risk.quant.covariance import NotPositiveSemidefinite, factor
from risk.quant.nearest_correlation import nearest_correlation
from risk.quant.streams import Array
from risk.strict import Matrix
from throughline import Run

NEAREST: Final = "the nearest correlation matrix to the one sent, in the Frobenius norm"  # as an assumption


@dataclass(frozen=True)
class Correlations:
    """A matrix (n, n). `told`: what the result says of it. `notes`: what a reader must know to use the figures."""

    matrix: Array
    told: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def correlations(sent: Matrix, nearest: bool, run: Run) -> Correlations:
    """As they were sent, which may be impossible; or the nearest to them, and how far away that is."""
    asked = np.array(sent, dtype=float)
    if not nearest:
        return Correlations(asked)
    try:
        factor(asked)
    except NotPositiveSemidefinite:
        found = nearest_correlation(asked, checkpoint_of(run))
        return Correlations(found, *_told(asked, found))
    return Correlations(asked, {"correlations_distance": 0.0})


def _told(sent: Array, found: Array) -> tuple[dict[str, Any], list[str]]:
    changed = np.abs(found - sent)
    distance = float(np.linalg.norm(changed))
    i, j = divmod(int(changed.argmax()), len(sent))
    note = (
        f"No returns can have the correlations that were sent. The nearest that some can have took their place, at a "
        f"Frobenius distance of {distance:.3g}; the largest change is that of [{i}][{j}], from {sent[i, j]:.4g} to "
        f"{found[i, j]:.4g}."
    )
    return {"correlations_distance": distance}, [note]


def impossible(path: str, error: NotPositiveSemidefinite) -> NotCalculable:
    """What to raise for a matrix that no returns can have: with its path and, for correlations, the way out."""
    advice = ""
    if path.endswith("correlations"):
        advice = "; nearest_correlations: true beside correlations takes the nearest matrix that is"
    return NotCalculable(f"{path}: {error}{advice}")
