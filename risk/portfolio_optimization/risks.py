"""What the assets are expected to return and how they move together: as sent, or estimated from their returns."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from risk.correlations import NEAREST, correlations, impossible
from risk.errors import NotCalculable
from risk.portfolio_optimization.model import PortfolioOptimizationData
from risk.quant import covariance
from risk.quant.estimated_covariance import ledoit_wolf, sample_covariance
from risk.quant.optimization.assets import Assets
from risk.quant.streams import Array
from throughline import Run

_MOVED: Final = 2.0  # times its own volatility: what a reader must be told that an asset was given


@dataclass(frozen=True)
class Risks:
    """`told`: what the result says of the estimate. `assumed`: what it rests on. `notes`: what a reader must know."""

    assets: Assets
    told: dict[str, Any] = field(default_factory=dict)
    assumed: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def risks(asked: PortfolioOptimizationData, run: Run) -> Risks:
    """Raises `NotCalculable` for a matrix that no returns can have, and for returns that never change."""
    return _estimated(asked) if asked.returns is not None else _as_sent(asked, run)


def _as_sent(asked: PortfolioOptimizationData, run: Run) -> Risks:
    returns, size = np.array([a.expected_return for a in asked.assets], dtype=float), len(asked.assets)
    told: dict[str, Any] = {}
    taken: dict[str, Any] = {}
    notes: list[str] = []
    if asked.covariance is not None:
        matrix, name = np.array(asked.covariance, dtype=float), "covariance"
        volatilities = np.sqrt(np.diag(matrix))
        matrix = matrix / volatilities[:, None] / volatilities  # in turn: their product may be too small a number
    else:
        volatilities, name = np.array([a.volatility for a in asked.assets], dtype=float), "correlations"
        matrix = np.eye(size)
        if asked.correlations is not None:
            joint = correlations(asked.correlations, asked.nearest_correlations, run)
            matrix, told, notes = joint.matrix, joint.told, joint.notes
            taken = {"correlations": NEAREST} if asked.nearest_correlations else {}
        elif size > 1:
            taken = {"correlations": "independent assets"}
    return Risks(_possible(Assets(returns, volatilities, matrix), name), told, taken, notes)


def _possible(assets: Assets, name: str) -> Assets:
    if not assets.singular:
        return assets
    try:
        loadings = covariance.factor(assets.correlations)
    except covariance.NotPositiveSemidefinite as error:
        raise impossible(f"data.{name}", error) from None
    return Assets(assets.returns, assets.volatilities, loadings @ loadings.T)


def _estimated(asked: PortfolioOptimizationData) -> Risks:
    history, a_year = np.array(asked.returns, dtype=float), asked.periods_a_year
    told: dict[str, Any] = {"periods": len(history)}
    if asked.covariance_estimator == "ledoit_wolf":
        matrix, told["shrinkage"] = ledoit_wolf(history)
    else:
        matrix = sample_covariance(history)
    variances = np.diag(matrix) * a_year
    if not (variances > 0).all():
        still = int(np.argmin(variances > 0))
        raise NotCalculable(
            f"data.returns[*][{still}] ({asked.assets[still].symbol}) never changes, or by too little for a "
            "variance; leave the asset out, or use the covariance_estimator ledoit_wolf"
        )
    deviations = np.sqrt(np.diag(matrix))
    means = history.mean(axis=0) * a_year
    given = [asset.expected_return for asset in asked.assets]
    returns = np.array([mean if own is None else own for mean, own in zip(means, given, strict=True)])
    assets = _possible(Assets(returns, np.sqrt(variances), matrix / deviations[:, None] / deviations), "returns")
    taken = {"returns": "periods are independent: a year's mean and variance are a period's times periods_a_year"}
    notes = _shrunk_most(asked, history, assets.volatilities)
    if None in given:
        taken["expected_return"] = "the mean of the returns, for a year"
        notes += _uncertain_means(asked, history)
    return Risks(assets, told, taken, notes)


def _shrunk_most(asked: PortfolioOptimizationData, history: Array, volatilities: Array) -> list[str]:
    """Shrinkage towards equal variances makes quiet assets look riskier than their returns were."""
    own = np.sqrt(np.diag(sample_covariance(history)) * asked.periods_a_year)
    moved = np.flatnonzero(volatilities > _MOVED * own)
    if not len(moved):
        return []
    i = int(moved[np.argmin(own[moved])])
    others = f" and {len(moved) - 1} others" if len(moved) > 1 else ""
    return [
        f"The shrinkage gives {asked.assets[i].symbol}{others} over {_MOVED:g} times the volatility of the returns, "
        f"{volatilities[i]:.3g} instead of {own[i]:.3g}: the covariance_estimator sample leaves it as it is."
    ]


def _uncertain_means(asked: PortfolioOptimizationData, history: Array) -> list[str]:
    """Whether the weights rest on means, which a history of usual length tells badly (Merton 1980)."""
    if asked.target_return is None and asked.objective != "max_sharpe" and not asked.frontier_points:
        return []
    errors = history.std(axis=0, ddof=1) / len(history) ** 0.5 * asked.periods_a_year
    return [
        f"The expected returns are means of {len(history):,} periods, whose standard errors are up to "
        f"{float(errors.max()):.3g} a year: weights that rest on them are uncertain."
    ]
