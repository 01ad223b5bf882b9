"""An option on the weighted sum of several prices, as a function of normals."""

from dataclasses import dataclass
from functools import cached_property
from math import exp, log, sqrt

import numpy as np

from risk.quant import comonotonic, importance, parity
from risk.quant.importance import Mixture
from risk.quant.options import vanilla_bounds
from risk.quant.parity import Claim, Told
from risk.quant.streams import Array


@dataclass(frozen=True)
class Basket:
    """Control: the same claim on the weighted geometric mean times the sum of weights, which has a closed form.

    Gamma, and theta with it: the payoff's second difference by the strike on the same paths, a fifth of the logarithm's
    deviation wide, for its second derivative. A likelihood ratio would need the inverse of the correlations, which
    assets that move as one do not have.
    """

    call: bool
    strike: float
    maturity: float
    rate: float
    spots: Array
    volatilities: Array
    weights: Array
    dividend_yields: Array
    factor: Array  # of the correlations

    @property
    def normals(self) -> int:
        return len(self.spots)

    @property
    def sensitivities(self) -> list[str]:
        each = [f"{name}[{i}]" for name in ("delta", "gamma", "vega") for i in range(self.normals)]
        return [*each, "rho", "theta"]

    @property
    def discount(self) -> float:
        return exp(-self.rate * self.maturity)

    @cached_property
    def _prepaid(self) -> Array:
        """Each asset at expiry, paid for today."""
        worth: Array = self.weights * self.spots * np.exp(-self.dividend_yields * self.maturity)
        return worth

    @cached_property
    def _shares(self) -> Array:
        shares: Array = self._prepaid / self._prepaid.sum()
        return shares

    @cached_property
    def _log_drifts(self) -> Array:
        drifts: Array = (self.rate - self.dividend_yields - self.volatilities**2 / 2) * self.maturity
        return drifts

    @cached_property
    def _loadings(self) -> Array:
        """Of each price's logarithm at expiry on the normals."""
        loadings: Array = (self.volatilities * sqrt(self.maturity))[:, None] * self.factor
        return loadings

    @cached_property
    def _geometric(self) -> tuple[float, float]:
        """Mean and deviation of the geometric mean's logarithm."""
        logs = np.log(self.weights * self.spots / self._shares)
        deviation = max(1e-12, float(np.linalg.norm(self._shares @ self._loadings)))
        return float(self._shares @ (logs + self._log_drifts)), deviation

    @cached_property
    def _spread(self) -> tuple[float, float]:
        """Mean and deviation of the sum's logarithm, from its two moments (Levy 1992)."""
        covariance = self._loadings @ self._loadings.T
        top = float(covariance.max())
        both = float(self._shares @ np.exp(covariance - top) @ self._shares)
        deviation = sqrt(max(1e-24, top + log(both)))
        return log(float(self._prepaid.sum()) / self.discount) - deviation**2 / 2, deviation

    @cached_property
    def claim(self) -> Claim:
        mean, deviation = self._spread
        kind = parity.kind((log(self.strike) - mean) / deviation, deviation)
        return Claim(kind, self.strike, self.discount)

    @cached_property
    def proposal(self) -> Mixture | None:
        mean, deviation = self._spread
        direction = self._shares @ self._loadings
        direction /= max(1e-12, float(np.linalg.norm(direction)))
        deep = (log(self.strike) - mean) / deviation
        logs = np.log(self.weights * self.spots) + self._log_drifts
        return importance.mixture(
            self.claim, deep, deviation, direction, importance.alone(self.strike, logs, self._loadings)
        )

    @property
    def negligible(self) -> float:
        logs = np.log(self.weights * self.spots) + self._log_drifts
        return comonotonic.most(self.claim, logs, np.linalg.norm(self._loadings, axis=1), self._geometric)

    @property
    def told(self) -> Told:
        worth, zeros = self._prepaid, np.zeros(2 * self.normals)
        asset = np.concatenate([[worth.sum()], worth / self.spots, zeros, [0.0, float(self.dividend_yields @ worth)]])
        struck = parity.of_strike(self.strike * self.discount, self.rate, self.maturity, len(self.sensitivities))
        return parity.told(self.call, self.claim.kind, asset, struck)

    @property
    def bounds(self) -> tuple[float, float]:
        return vanilla_bounds(self.call, float(self._prepaid.sum()), self.strike * self.discount)

    @property
    def expected_controls(self) -> Array:
        return np.array([self.claim.expected(*self._geometric)])

    def __call__(self, normals: Array) -> Array:
        moved = normals @ self._loadings.T
        logs = self._log_drifts + moved
        parts = self.weights * self.spots * np.exp(logs)
        basket = parts.sum(axis=1)
        value, slope = self.claim(basket)
        inside = slope[:, None] * parts
        geometric = np.exp(self._geometric[0] + moved @ self._shares)
        vegas = inside * (moved / self.volatilities - self.volatilities * self.maturity)
        at_strike = self._at_strike(basket)
        if self.claim.kind == "covered":  # bent the other way
            at_strike = -at_strike
        near = np.where((at_strike != 0)[:, None], parts, 0.0)  # far ones may leave a float's range when squared
        spread = (near * self.volatilities) @ self.factor
        theta = self.rate * value - inside @ (self.rate - self.dividend_yields)
        theta -= at_strike / 2 * np.einsum("ij,ij->i", spread, spread)
        columns = [value, inside / self.spots, at_strike[:, None] * (near / self.spots) ** 2, vegas]
        rho = self.maturity * (inside.sum(axis=1) - value)
        return np.column_stack([*columns, rho, theta, self.claim(geometric)[0]])

    def _at_strike(self, basket: Array) -> Array:
        """The payoff's second derivative by the basket, discounted: a second difference is a triangle at the strike.

        Two of them, one half as wide, leave no error of second order in the width (Richardson).
        """
        # Assets may hedge each other so well that the mean hardly moves, though the sum does.
        total = float(self._shares @ self.volatilities) * sqrt(self.maturity)
        deviation = max(self._geometric[1], total / 10)
        width = self.strike * min(deviation, 1.0) / 5
        away = np.abs(basket - self.strike)
        wide, narrow = (np.maximum(w - away, 0.0) / w**2 for w in (width, width / 2))
        heights: Array = self.discount * (4 * narrow - wide) / 3
        return heights
