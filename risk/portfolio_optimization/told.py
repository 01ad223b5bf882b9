"""What a result tells of weights, and what a reader must know to use them."""

from typing import Any

import numpy as np

from risk.portfolio_optimization.objectives import Sought
from risk.quant.optimization.frontier import Frontier
from risk.quant.optimization.minimum_cvar import cvar
from risk.quant.optimization.program import Found
from risk.quant.optimization.risk_parity import contributions
from risk.quant.streams import Array


def told(sought: Sought, found: Found) -> dict[str, Any]:
    """Weights and what is expected of them; a ratio that has no finite value is None."""
    expected, deviation = float(sought.assets.returns @ found.weights), sought.assets.deviation(found.weights)
    symbols = [asset.symbol for asset in sought.asked.assets]
    return {
        "weights": dict(zip(symbols, found.weights.tolist(), strict=True)),
        "expected_return": expected,
        "volatility": deviation,
        "sharpe_ratio": _ratio(expected - sought.asked.risk_free_rate, deviation),
    }


def more(sought: Sought, found: Found) -> dict[str, Any]:
    """What the objective alone tells of its weights."""
    if sought.asked.objective == "minimum_cvar":
        risk = cvar(sought.history @ found.weights, sought.asked.confidence_level)
        return {"cvar": risk, "confidence_level": sought.asked.confidence_level}
    if sought.asked.objective == "risk_parity":
        shares = contributions(sought.assets, found.weights).tolist()
        return {"risk_contributions": dict(zip([a.symbol for a in sought.asked.assets], shares, strict=True))}
    return {}


def assets_told(sought: Sought) -> list[dict[str, Any]]:
    """Each asset by itself, as the frontier was computed from it."""
    figures = (sought.assets.returns.tolist(), sought.assets.volatilities.tolist())
    return [
        {"symbol": asset.symbol, "expected_return": expected, "volatility": volatility}
        for asset, expected, volatility in zip(sought.asked.assets, *figures, strict=True)
    ]


def _ratio(excess: float, deviation: float) -> float | None:
    if deviation == 0:
        return None
    with np.errstate(over="ignore"):
        ratio = float(np.float64(excess) / deviation)
    return ratio if np.isfinite(ratio) else None


def notes(sought: Sought, found: Found, frontier: Frontier) -> list[str]:
    """Sentences that a reader must know to use the figures."""
    every = [found, *frontier.points]
    said = []
    if not all(each.certain for each in every):
        said.append(
            "The weights are not proved to be the best: volatilities or returns differ by too many orders of "
            "magnitude for double precision. Leave the extreme assets out, or give them volatilities closer together."
        )
    if any(told(sought, each)["sharpe_ratio"] is None for each in every):
        said.append(
            "Some of these weights hedge each other to a volatility that is 0 but for rounding, or too small for a "
            "ratio: their Sharpe ratio is null."
        )
    least = sought.asked.min_weight
    if sought.asked.long_only and least is not None and least < 0:
        said.append(
            f"long_only keeps weights at 0 or above, so that min_weight {least:g} changes nothing: long_only: false "
            "allows short sales."
        )
    if sought.asked.objective == "minimum_cvar":
        said.append(
            "The cvar is of the very periods that the weights were fitted to: expect larger losses in the worst ones "
            "to come."
        )
    by_variance = sought.asked.objective not in {"minimum_cvar", "risk_parity"}
    if by_variance and sought.assets.alike(found.weights, found.free, _kept(sought, found)):
        said.append(
            "The covariance is singular: other weights may be as good by the objective, and these are one choice."
        )
    if not frontier.bounded:
        said.append(
            "Nothing limits short sales, so the frontier has no end: its last point returns what the least risky "
            "weights do and the spread between the assets' highest and lowest return."
        )
    return said


def _kept(sought: Sought, found: Found) -> list[Array]:
    """Sums of the weights that other weights would have to keep to be as good."""
    returns, asked = sought.assets.returns, sought.asked
    if asked.objective == "max_sharpe":
        return [returns - asked.risk_free_rate]
    kept = [np.ones_like(returns)]
    if asked.target_return is not None and returns @ found.weights <= asked.target_return + 1e-9 * np.ptp(returns):
        kept.append(returns - returns[0])
    return kept
