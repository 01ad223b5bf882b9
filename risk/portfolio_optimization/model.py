"""The data of a `portfolio_optimization` task: assets, what is sought, and what the weights must keep to."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from risk.matrices import FORMS, correlations_of, covariance_of
from risk.strict import Finite, Matrix, Rate, Strict, Volatility

MAX_ASSETS: Final = 500
Weight = Annotated[Finite, Field(ge=-10, le=10)]


class Asset(Strict):
    """An asset, a year's expected return, its volatility (or a covariance for all), and the group it counts in."""

    symbol: str = Field(min_length=1, max_length=64)
    expected_return: Annotated[Finite, Field(ge=-10, le=10)]
    volatility: Volatility | None = None
    group: str | None = Field(default=None, min_length=1, max_length=64)


class GroupLimit(Strict):
    """How much of the whole a group may hold."""

    min: Weight | None = None
    max: Weight | None = None


class PortfolioOptimizationData(Strict):
    """The weights, adding up to 1, that are best by `objective`."""

    assets: list[Asset] = Field(min_length=1, max_length=MAX_ASSETS)
    correlations: Annotated[Matrix, correlations_of("assets")] | None = Field(
        default=None, description=f"{FORMS}; ones on the diagonal. Without it the assets are independent."
    )
    covariance: Annotated[Matrix, covariance_of("assets")] | None = Field(
        default=None, description=f"Instead of volatilities and correlations: {FORMS}."
    )
    objective: Literal["minimum_variance", "target_return", "max_sharpe"] = "minimum_variance"
    target_return: Annotated[Finite, Field(ge=-100_000, le=100_000)] | None = None  # no weights reach more
    risk_free_rate: Rate = 0.0
    long_only: bool = True
    max_weight: Weight | None = None
    min_weight: Weight | None = None
    groups: dict[str, GroupLimit] = Field(default={}, max_length=100)
    frontier_points: int = Field(default=0, ge=0, le=50, description="Points of the efficient frontier to add.")

    @model_validator(mode="after")
    def _symbols_are_distinct(self) -> "PortfolioOptimizationData":
        first: dict[str, int] = {}
        for i, asset in enumerate(self.assets):
            earlier = first.setdefault(asset.symbol, i)
            if earlier != i:
                raise ValueError(
                    f"assets[{i}].symbol is {asset.symbol!r} like assets[{earlier}].symbol: the weights are told by "
                    "symbol, so each must be distinct; give them names of their own, or merge the two"
                )
        return self

    @model_validator(mode="after")
    def _risk_is_known(self) -> "PortfolioOptimizationData":
        if self.covariance is not None:
            if self.correlations is not None or any(a.volatility is not None for a in self.assets):
                raise ValueError("covariance takes the place of volatilities and correlations: give one or the other")
            return self
        for i, asset in enumerate(self.assets):
            if asset.volatility is None:
                raise ValueError(f"assets[{i}].volatility is missing, and there is no covariance")
        return self

    @model_validator(mode="after")
    def _limits_make_sense(self) -> "PortfolioOptimizationData":
        if (self.objective == "target_return") != (self.target_return is not None):
            raise ValueError("target_return goes with the objective target_return, and it with a target_return")
        known = {asset.group for asset in self.assets}
        for name, limit in self.groups.items():
            if name not in known:
                raise ValueError(f"groups.{name}: no asset is in this group")
            if limit.min is not None and limit.max is not None and limit.min > limit.max:
                raise ValueError(f"groups.{name}.min {limit.min:g} is above its max {limit.max:g}")
        if self.min_weight is not None and self.max_weight is not None and self.min_weight > self.max_weight:
            raise ValueError(f"min_weight {self.min_weight:g} is above max_weight {self.max_weight:g}")
        return self


EXAMPLE: Final[dict[str, Any]] = {
    "assets": [
        {"symbol": "BONDS", "expected_return": 0.08, "volatility": 0.10},
        {"symbol": "STOCKS", "expected_return": 0.12, "volatility": 0.18},
        {"symbol": "VENTURES", "expected_return": 0.15, "volatility": 0.25},
    ],
    "correlations": [[1.0, 0.3, 0.1], [0.3, 1.0, 0.4], [0.1, 0.4, 1.0]],
    "objective": "max_sharpe",
    "risk_free_rate": 0.02,
}
