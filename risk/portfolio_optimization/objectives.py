"""What weights can be best by: a further objective is a function in a file of its own and a line here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from risk.portfolio_optimization.model import PortfolioOptimizationData
from risk.quant.optimization.assets import Assets
from risk.quant.optimization.limits import Limits
from risk.quant.optimization.max_sharpe import max_sharpe
from risk.quant.optimization.minimum_variance import minimum_variance
from risk.quant.optimization.program import Found


@dataclass(frozen=True)
class Sought:
    """What an objective may look at; it raises `Infeasible` when no weights are the best."""

    asked: PortfolioOptimizationData
    assets: Assets
    limits: Limits


OBJECTIVES: Final[dict[str, Callable[[Sought], Found]]] = {
    "minimum_variance": lambda sought: minimum_variance(sought.assets, sought.limits),
    "target_return": lambda sought: minimum_variance(sought.assets, sought.limits, sought.asked.target_return),
    "max_sharpe": lambda sought: max_sharpe(sought.assets, sought.limits, sought.asked.risk_free_rate),
}
