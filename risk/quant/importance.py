"""Importance sampling: where the normals are drawn so that the paths that matter are hit, and their weights.

Glasserman, Heidelberger and Shahabuddin 1999 move the normals' mean to where payoff × density is greatest. Every weight
here stays bounded on what it multiplies, so that the errors of the weighted means are normal at few paths.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import pi, sqrt
from typing import Final, Protocol

import numpy as np
from scipy.special import ndtr

from risk.quant.parity import Claim
from risk.quant.streams import Array

_REACH: Final = 10.0  # normals beyond it have no share in what a claim is worth
_FARTHEST: Final = 24.0  # normals: a claim so far out of the money is worth 1e-125 of its strike, and called nothing
LEAST: Final = 1e-125  # of the discounted strike: what is worth less is not simulated
_LARGEST: Final = 700.0  # whose exponential a float holds
_POINTS: Final = 400  # between two kinks
_WIDER: Final = 2.0  # than payoff × density: the weights stay small in the tails


class Proposal(Protocol):
    """The distribution of the normals that a payoff is simulated with."""

    @property
    def picks(self) -> bool:
        """Whether `draw` needs uniforms, to pick one of several means for each row."""
        ...

    @property
    def expected_controls(self) -> Array: ...

    def draw(self, standard: Array, uniforms: Array | None) -> tuple[Array, Array]:
        """Normals (rows, k) from standard ones, and their weights (rows): density wanted over density drawn."""
        ...

    def controls(self, standard: Array) -> Array:
        """Columns that need no weight."""
        ...


@dataclass(frozen=True)
class Along:
    """Normal with another mean and deviation along one direction.

    Control: the distance from the kink, where there is one; else the density of payoff × density, if that were normal,
    over the density drawn.
    """

    direction: Array  # of length 1
    mean: float
    deviation: float
    kink: float | None = None  # in normals
    mass: float = 1.0  # of payoff × density, up to a factor
    picks: bool = False

    def _from_kink(self, kink: float) -> float:
        return min(max((kink - self.mean) / self.deviation, -1.0), 1.0)  # further off, pairs hardly see it

    @property
    def expected_controls(self) -> Array:
        if self.kink is None:
            return np.array([1 / _WIDER])
        k = self._from_kink(self.kink)
        return np.array([sqrt(2 / pi) * float(np.exp(-(k**2) / 2)) + k * (2 * float(ndtr(k)) - 1)])

    def draw(self, standard: Array, uniforms: Array | None = None) -> tuple[Array, Array]:
        along = standard @ self.direction
        moved = self.mean + self.deviation * along
        weights = self.deviation * np.exp((along**2 - moved**2) / 2)
        if len(self.direction) == 1:
            return moved[:, None], weights
        return standard + np.multiply.outer(moved - along, self.direction), weights

    def controls(self, standard: Array) -> Array:
        along = standard @ self.direction
        if self.kink is None:
            return np.exp((1 - _WIDER**2) / 2 * along**2)[:, None]
        return np.abs(along - self._from_kink(self.kink))[:, None]


@dataclass(frozen=True)
class Mixture:
    """Standard normals about one of several means; the weights are by all of them (Veach and Guibas 1995)."""

    means: Array  # (components, k)
    shares: Array  # of each component; their sum is 1
    picks: bool = True

    @property
    def expected_controls(self) -> Array:
        return np.empty(0)

    def draw(self, standard: Array, uniforms: Array | None) -> tuple[Array, Array]:
        assert uniforms is not None
        picked = np.searchsorted(np.cumsum(self.shares)[:-1], uniforms)
        normals = standard + self.means[picked]
        exponents = normals @ self.means.T - np.einsum("ij,ij->i", self.means, self.means) / 2
        return normals, 1 / (np.exp(np.minimum(exponents, _LARGEST)) @ self.shares)

    def controls(self, standard: Array) -> Array:
        return np.empty((len(standard), 0))


def mixture(claim: Claim, deep: float, deviation: float, direction: Array, apart: Array) -> Mixture | None:
    """About nought, where all prices together meet the strike, and about each row of `apart`, where one alone does.

    The last matter since a sum of prices of high volatility is about its largest part. Together they meet the strike
    `deep` normals along `direction` (k); None when a claim is out of the money further than a float can say.
    """
    if claim.kind != "covered" and abs(deep) > _FARTHEST:
        return None
    joint = shift(claim, deep, deviation) * direction
    shares = (0.2, 0.4, 0.4) if claim.kind == "covered" else (0.1, 0.7, 0.2)
    each = np.full(len(apart), shares[2] / len(apart))
    return Mixture(np.vstack([np.zeros(len(joint)), joint, apart]), np.concatenate([shares[:2], each]))


def alone(strike: float, mean_logs: Array, loadings: Array) -> Array:
    """Means (n, k) at which each price meets the strike, no further than its own measure moves them.

    `loadings` (n, k) of the prices' logarithms on the normals.
    """
    sizes = np.maximum(np.linalg.norm(loadings, axis=1), 1e-12)
    deep = np.clip((np.log(strike) - mean_logs) / sizes, 0.0, sizes)
    means: Array = (deep / sizes)[:, None] * loadings
    return means


def shift(claim: Claim, deep: float, deviation: float) -> float:
    """The mean at which payoff × density is about greatest; `deep` is the normal that ends at the strike."""
    if claim.kind == "covered":
        return min(max(deep, 0.0), deviation)
    away = sqrt(deep**2 + 4)
    return (deep + away) / 2 if claim.kind == "call" else (deep - away) / 2


def lognormal(claim: Claim, mean_log: float, deviation: float, direction: Array) -> Along | None:
    """For a claim on one price whose logarithm is normal along `direction`; None when nothing can be hit.

    The covered claim needs no other deviation: payoff × density falls on both sides of the strike faster than the
    density does.
    """
    deep = (float(np.log(claim.strike)) - mean_log) / deviation
    if claim.kind == "covered":
        return Along(direction, shift(claim, deep, deviation), 1.0, deep)

    def columns(normals: Array) -> Array:
        prices = np.exp(mean_log + deviation * normals)
        value, slope = claim(prices)
        return np.column_stack([value, slope * prices, slope * prices * (normals / deviation - 1)])

    return matched(columns, direction, [deep], deviation, claim.discount * claim.strike)


def matched(
    columns: Callable[[Array], Array], direction: Array, kinks: list[float], deviation: float, strike: float
) -> Along | None:
    """Mean and deviation of |columns| × density, each column counting alike.

    None when the first column has next to no mass beside the discounted `strike`.

    `columns` (points, k) of normals (points), with bends or jumps at `kinks`; by the trapezoidal rule on points that
    are dense about each kink, since a claim may be worth something in a narrow strip only.
    """
    ends = [min(-_REACH, *(k - _REACH for k in kinks)), max(deviation + _REACH, *(k + _REACH for k in kinks))]
    bounds = sorted({*ends, *kinks})
    dense = (1 - np.cos(np.linspace(0, pi, _POINTS))) / 2
    normals = np.concatenate([a + (b - a) * dense for a, b in pairwise(bounds)])
    masses = np.abs(columns(normals)) * np.exp(-(normals**2) / 2)[:, None]
    steps = np.gradient(normals)[:, None]
    sums = (masses * steps).sum(axis=0)
    if sums[0] <= LEAST * strike:
        return None
    share = (masses[:, sums > 0] * steps / sums[sums > 0]).mean(axis=1)
    mean = float(share @ normals)
    spread = sqrt(float(share @ (normals - mean) ** 2))
    return Along(direction, mean, _WIDER * spread, mass=float(sums[0]))
