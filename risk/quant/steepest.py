"""The direction in which a portfolio of lognormal prices loses most: where scenarios of its tail are drawn."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import ndtri

from risk.quant.portfolio import Portfolio
from risk.quant.streams import Array

_ROUNDS = 30
_LINEAR = 0.5  # curvature over slope at the value at risk, at most, for one direction to hold the whole tail


@dataclass(frozen=True)
class Steepest:
    """`unit` (k,): the direction among the normals; `moves` (n,): what one step along it adds to each log return;
    `reach`: the steps to where the value at risk is expected."""

    unit: Array
    moves: Array
    reach: float


def steepest(portfolio: Portfolio, confidence: float) -> Steepest | None:
    """The normals of given length in which the loss is largest, by fixed-point iteration (the first-order reliability
    method: Hasofer and Lind, 1974). None for a portfolio that no normal moves."""
    reach = float(ndtri(confidence))
    unit = _gradient(portfolio, np.zeros(len(portfolio.values)))
    if unit is None:
        return None
    for _ in range(_ROUNDS):
        turned = _gradient(portfolio, _moves(portfolio, unit) * reach)
        if turned is None:
            break
        halfway = unit + turned
        length = float(np.linalg.norm(halfway))
        if length == 0 or np.abs(turned - unit).max() < 1e-9:
            break
        unit = halfway / length
    return Steepest(unit, _moves(portfolio, unit), reach)


def in_one_direction(portfolio: Portfolio, confidence: float) -> bool:
    """Whether the losses beyond the value at risk lie around one direction, as shifting all scenarios there takes it.

    So they do for long positions alone: their losses above any bound are a convex set of normals, which has one nearest
    point, and so they do for one position, which one normal moves. Several short ones may each have a tail of their
    own, unless the loss is nearly linear in the normals.
    """
    values = portfolio.values
    if confidence > 0.5 and (np.count_nonzero(values) == 1 or not (values < 0).any()):
        return True
    slope = portfolio.gain_deviation
    if portfolio.loadings is None:
        curvature = sqrt(float(((values * portfolio.deviations**2) ** 2).sum()))
    else:
        curvature = float(np.linalg.norm(portfolio.loadings.T @ (values[:, None] * portfolio.loadings)))
    return curvature * abs(float(ndtri(confidence))) <= _LINEAR * slope


def _moves(portfolio: Portfolio, unit: Array) -> Array:
    moves: Array = portfolio.deviations * unit if portfolio.loadings is None else portfolio.loadings @ unit
    return moves


def _gradient(portfolio: Portfolio, moved: Array) -> Array | None:
    """The unit vector along which the loss grows fastest, at log returns `moved` from their centre; None if it is 0."""
    exponents = portfolio.means - portfolio.deviations**2 / 2 + moved
    weights = portfolio.values * np.exp(exponents - exponents.max())
    slopes = portfolio.deviations * weights if portfolio.loadings is None else weights @ portfolio.loadings
    length = float(np.linalg.norm(slopes))
    return None if length == 0 else -slopes / length
