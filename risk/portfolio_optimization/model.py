"""The data of a `portfolio_optimization` task: assets, what is sought, and what the weights must keep to."""

from math import ceil
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from risk.matrices import FORMS, NEAREST_ASKED, correlations_of, covariance_of, nearest_has_correlations
from risk.returns import returns_fit
from risk.strict import Finite, Matrix, Rate, Strict, Volatility

MAX_ASSETS: Final = 500
DEFAULT_RISK_BUDGET: Final = 1.0
MIN_PERIODS: Final = 10
MAX_TAIL_PERIODS: Final = 25_000  # of minimum_cvar: some 1.2 s with ten assets
Weight = Annotated[Finite, Field(ge=-10, le=10)]


class Asset(Strict):
    """An asset, a year's expected return, its volatility (or a covariance or returns for all), and its group."""

    symbol: str = Field(min_length=1, max_length=64)
    expected_return: Annotated[Finite, Field(ge=-10, le=10)] | None = Field(
        default=None, description="Of a year. With returns it may be left out: their mean."
    )
    volatility: Volatility | None = None
    group: str | None = Field(default=None, min_length=1, max_length=64)
    risk_budget: Annotated[Finite, Field(ge=1e-4, le=1e4)] | None = Field(
        default=None,
        description="Of risk_parity: its part of the risk, in proportion to the others'; equal by default.",
    )


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
    nearest_correlations: bool = Field(default=False, description=NEAREST_ASKED)
    returns: Matrix | None = Field(
        default=None,
        min_length=MIN_PERIODS,
        description="In place of volatilities, correlations and covariance: a row for each period, oldest first, with "
        "each asset's return.",
    )
    periods_a_year: Annotated[Finite, Field(gt=0, le=1e6)] = Field(
        default=252.0, description="Of returns: 252 for days, 52 for weeks, 12 for months."
    )
    covariance_estimator: Literal["ledoit_wolf", "sample"] = Field(
        default="ledoit_wolf",
        description="Of returns: shrunk towards equal variances without correlation, or as it is.",
    )
    objective: Literal["minimum_variance", "target_return", "max_sharpe", "minimum_cvar", "risk_parity"] = Field(
        default="minimum_variance",
        description="minimum_cvar: the least mean loss in the worst periods of returns; risk_parity: every asset adds "
        "its risk_budget to the variance.",
    )
    target_return: Annotated[Finite, Field(ge=-100_000, le=100_000)] | None = Field(  # no weights reach more
        default=None, description="The least expected return of a year, of target_return or minimum_cvar."
    )
    confidence_level: Annotated[Finite, Field(gt=0, lt=1)] = Field(
        default=0.95, description="Of minimum_cvar: 0.95 for the worst 5 % of periods."
    )
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
        nearest_has_correlations(self.nearest_correlations, self.correlations)
        volatilities = any(a.volatility is not None for a in self.assets)
        if self.returns is not None:
            if volatilities or self.correlations is not None or self.covariance is not None:
                raise ValueError(
                    "returns take the place of volatilities, correlations and covariance: give one of them"
                )
            returns_fit(self.returns, [a.symbol for a in self.assets], "asset", self.periods_a_year)
            return self
        for name in ("periods_a_year", "covariance_estimator"):
            if name in self.model_fields_set:
                raise ValueError(f"{name} is for returns, and there are none")
        if self.covariance is not None and (self.correlations is not None or volatilities):
            raise ValueError("covariance takes the place of volatilities and correlations: give one or the other")
        for i, asset in enumerate(self.assets):
            if asset.expected_return is None:
                raise ValueError(f"assets[{i}].expected_return is missing, and there are no returns")
            if asset.volatility is None and self.covariance is None:
                raise ValueError(f"assets[{i}].volatility is missing, and there is no covariance and no returns")
        return self

    @model_validator(mode="after")
    def _objective_has_what_it_needs(self) -> "PortfolioOptimizationData":
        objective = self.objective
        if objective == "target_return" and self.target_return is None:
            raise ValueError("target_return goes with the objective target_return, which needs it")
        if self.target_return is not None and objective not in {"target_return", "minimum_cvar"}:
            raise ValueError(f"target_return goes with the objectives target_return and minimum_cvar, not {objective}")
        if objective == "minimum_cvar":
            self._tail_has_periods()
        elif "confidence_level" in self.model_fields_set:
            raise ValueError(f"confidence_level is for the objective minimum_cvar, not for {objective}")
        if objective == "risk_parity":
            limits = {"max_weight": self.max_weight, "min_weight": self.min_weight, "groups": self.groups or None}
            limited = [name for name, limit in limits.items() if limit is not None]
            limited += [] if self.long_only else ["long_only: false"]
            if limited:
                raise ValueError(
                    f"{limited[0]} is not for risk_parity, whose weights are above 0 and follow from risk alone; leave "
                    "it out, or take another objective"
                )
        elif any(asset.risk_budget is not None for asset in self.assets):
            raise ValueError(f"assets' risk_budget is for the objective risk_parity, not for {objective}")
        return self

    def _tail_has_periods(self) -> None:
        if self.returns is None:
            raise ValueError("returns is missing: minimum_cvar looks at the losses of observed periods")
        if len(self.returns) > MAX_TAIL_PERIODS:
            raise ValueError(f"returns can hold at most {MAX_TAIL_PERIODS:,} periods for minimum_cvar")
        tail = (1 - self.confidence_level) * len(self.returns)
        if tail < 1 - 1e-9:
            raise ValueError(
                f"returns needs at least {ceil(1 / (1 - self.confidence_level) - 1e-9):,} periods for the "
                f"confidence_level {self.confidence_level:g}, so that one is beyond it; there are {len(self.returns):,}"
            )

    @model_validator(mode="after")
    def _limits_make_sense(self) -> "PortfolioOptimizationData":
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
