"""What weights can be best by: a further objective is a function in a file of its own and a line here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from risk.portfolio_optimization.model import DEFAULT_RISK_BUDGET, PortfolioOptimizationData
from risk.quant.optimization.assets import Assets
from risk.quant.optimization.limits import Limits
from risk.quant.optimization.max_sharpe import max_sharpe
from risk.quant.optimization.minimum_cvar import minimum_cvar
from risk.quant.optimization.minimum_variance import minimum_variance
from risk.quant.optimization.program import Found
from risk.quant.optimization.risk_parity import risk_parity
from risk.quant.streams import Array


@dataclass(frozen=True)
class Sought:
    """What an objective may look at; it raises `Infeasible` when no weights are the best."""

    asked: PortfolioOptimizationData
    assets: Assets
    limits: Limits

    @property
    def history(self) -> Array:
        """The returns (periods, n) that were sent."""
        return np.array(self.asked.returns, dtype=float)

    @property
    def budgets(self) -> Array:
        return np.array([asset.risk_budget or DEFAULT_RISK_BUDGET for asset in self.asked.assets], dtype=float)


def _minimum_cvar(sought: Sought) -> Found:
    asked = sought.asked
    return minimum_cvar(sought.assets, sought.history, sought.limits, asked.confidence_level, asked.target_return)


OBJECTIVES: Final[dict[str, Callable[[Sought], Found]]] = {
    "minimum_variance": lambda sought: minimum_variance(sought.assets, sought.limits),
    "target_return": lambda sought: minimum_variance(sought.assets, sought.limits, sought.asked.target_return),
    "max_sharpe": lambda sought: max_sharpe(sought.assets, sought.limits, sought.asked.risk_free_rate),
    "minimum_cvar": _minimum_cvar,
    "risk_parity": lambda sought: risk_parity(sought.assets, sought.budgets),
}
