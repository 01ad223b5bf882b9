"""The data of a `calculate_var` task: positions, how they move together, and how the loss is measured."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, PrivateAttr, model_validator

from risk.calculate_var.driven import drawn_days, method_reprices, repricing_cost, terms_agree
from risk.calculate_var.lots import columns_agree, lots_agree, rows_agree
from risk.instruments import BondTerms, OptionTerms
from risk.matrices import FORMS, NEAREST_ASKED, correlations_of, covariance_of, nearest_has_correlations
from risk.quant.trading_days import TRADING_DAYS_A_YEAR
from risk.returns import returns_fit
from risk.strict import Finite, Matrix, Positive, Precision, Seed, Strict, Volatility

DEFAULT_VOLATILITY: Final = 0.20
DEFAULT_DEGREES: Final = 4.0
DEFAULT_YIELD_VOLATILITY: Final = 0.01
DEFAULT_DECAY: Final = 0.94  # RiskMetrics, of daily returns
MAX_POSITIONS: Final = 10_000
MIN_SIMULATIONS: Final = 1_000
MAX_SIMULATIONS: Final = 10_000_000
MAX_NORMALS: Final = 1_000_000_000  # some 30 s of drawing lognormal prices: within a task's time limit
MAX_CORRELATING: Final = 200_000_000_000  # multiplications: some 20 s


class Position(Strict):
    """`quantity` pieces (negative: short) of `symbol`, each worth `price`, in one currency for all positions.

    With `option` or `bond` it is in options, whose `price` is the underlying's, or in bonds, whose `price` is dirty.
    """

    symbol: str = Field(min_length=1, max_length=64)
    quantity: Annotated[Finite, Field(ge=-1e12, le=1e12)]
    price: Positive
    volatility: Volatility | None = Field(
        default=None,
        description="Standard deviation of a year's return: 0.2 is 20 % (the default). For options of the "
        "underlying's; default: the implied volatility of its option nearest to the money.",
    )
    drift: Annotated[Finite, Field(ge=-10, le=10)] = Field(
        default=0.0, description="Expected return of a year, 0 by default."
    )
    option: OptionTerms | None = None
    bond: BondTerms | None = None

    @property
    def risk(self) -> str:
        """What drives the position: its symbol, or that of the option's underlying."""
        return (self.option.underlying if self.option else None) or self.symbol


class _AtTheTop(dict[str, Any]):
    """A portfolio's fields that came without `portfolio_data` around them."""


class Portfolio(Strict):
    """Positions and, optionally, how their returns move together.

    Positions of one symbol are lots of one risk, and so are options and their underlying. Tables have a row or column
    for each position, or for each distinct risk in order of first appearance; in them a bond stands for the change of
    its yield, which lowers its price.
    """

    positions: list[Position] = Field(min_length=1, max_length=MAX_POSITIONS)
    correlations: Annotated[Matrix, correlations_of("positions")] | None = Field(
        default=None, description=f"{FORMS}; ones on the diagonal. Without it the positions are independent."
    )
    nearest_correlations: bool = Field(default=False, description=NEAREST_ASKED)
    covariance: Annotated[Matrix, covariance_of("positions")] | None = Field(
        default=None, description=f"Of a year's returns, instead of volatilities and correlations: {FORMS}."
    )
    returns: Matrix | None = Field(
        default=None,
        min_length=20,
        description="For the historical method: a row for each day, oldest first, with each position's return.",
    )
    _at: str = PrivateAttr(default="portfolio_data.")

    @model_validator(mode="wrap")
    @classmethod
    def _is_told_as_it_came(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        portfolio = handler(data)
        if isinstance(data, _AtTheTop):
            portfolio._at = ""
        return portfolio

    @property
    def at(self) -> str:
        """Where its client put its fields: what their names in the data begin with."""
        return self._at

    @model_validator(mode="after")
    def _tables_fit_positions(self) -> "Portfolio":
        terms_agree(self.positions)
        lots_agree(self.positions)
        for name in ("correlations", "covariance"):
            rows = getattr(self, name)
            if rows is not None and len(rows) > self.symbols:
                rows_agree(rows, [p.risk for p in self.positions], name)
        nearest_has_correlations(self.nearest_correlations, self.correlations)
        volatilities = any(p.volatility or (p.bond and p.bond.yield_volatility) for p in self.positions)
        if self.covariance is not None and (self.correlations is not None or volatilities):
            raise ValueError("covariance takes the place of volatilities and correlations: give one or the other")
        self._returns_fit()
        return self

    @property
    def symbols(self) -> int:
        """How many distinct ones, an option's being its underlying: as many risks as there are."""
        return len({p.risk for p in self.positions})

    @property
    def repriced(self) -> bool:
        """Whether a position is in options or bonds."""
        return any(p.option or p.bond for p in self.positions)

    def _returns_fit(self) -> None:
        if self.returns is None:
            return
        symbols = [p.risk for p in self.positions]
        distinct = list(dict.fromkeys(symbols))
        columns = distinct if len(self.returns[0]) == len(distinct) else symbols
        returns_fit(self.returns, columns, "position")
        if len(columns) > len(distinct):
            columns_agree(self.returns, symbols, "returns")


class CalculateVarData(Strict):
    """Value at risk of a portfolio over `time_horizon` trading days at `confidence_level`."""

    portfolio_data: Portfolio
    method: Literal["monte_carlo", "parametric", "historical"] = "monte_carlo"
    distribution: Literal["normal", "lognormal", "student_t"] = Field(
        default="normal",
        description="Returns over the horizon that are normal or Student's t, which has heavier tails; or, of the "
        "simulation alone, lognormal prices, which cannot fall below zero.",
    )
    degrees_of_freedom: Annotated[Finite, Field(gt=2, le=1_000_000)] | None = Field(
        default=None,
        description=f"Of Student's t, {DEFAULT_DEGREES:g} by default: the fewer, the heavier the tails. The volatility "
        "stays the standard deviation.",
    )
    horizon_scaling: Literal["square_root", "overlapping"] = Field(
        default="square_root",
        description="Of the historical method: days scaled by √days, or compounded over windows that overlap.",
    )
    reprice_at: Literal["now", "horizon"] = Field(
        default="now",
        description="When options and bonds are priced again: at once, or `time_horizon` days nearer to their end.",
    )
    volatility_filter: Literal["ewma"] | None = Field(
        default=None,
        description="Of the historical method: each day's return times today's volatility over that day's, both "
        "exponentially weighted moving averages.",
    )
    decay: Annotated[Finite, Field(ge=0.5, le=0.999)] | None = Field(
        default=None, description=f"Of that average: the weight of the day before, {DEFAULT_DECAY:g} by default."
    )
    confidence_level: Finite = Field(default=0.95, gt=0, lt=1)
    time_horizon: int = Field(default=10, ge=1, le=2_520, description="Trading days, 252 a year.")
    simulations: int = Field(
        default=100_000,
        ge=MIN_SIMULATIONS,
        le=MAX_SIMULATIONS,
        description="With a precision: the most that are drawn.",
    )
    precision: Precision | None = None
    seed: Seed | None = None

    @property
    def years(self) -> float:
        return self.time_horizon / TRADING_DAYS_A_YEAR

    @property
    def simulations_allowed(self) -> int:
        """Within what a worker has time for: lognormal prices are drawn for each position, options are repriced."""
        size, repriced = self.portfolio_data.symbols, self.portfolio_data.repriced
        if (self.distribution != "lognormal" and not repriced) or self.method != "monte_carlo":
            return MAX_SIMULATIONS
        days = drawn_days(self)
        limits = [MAX_SIMULATIONS, MAX_NORMALS // (size * days + repricing_cost(self))]
        if self.portfolio_data.correlations is not None or self.portfolio_data.covariance is not None:
            limits.append(MAX_CORRELATING // (size**2 * days))
        return min(limits)

    @model_validator(mode="after")
    def _work_is_bounded(self) -> "CalculateVarData":
        allowed = self.simulations_allowed
        if allowed < MIN_SIMULATIONS or ("simulations" in self.model_fields_set and self.simulations > allowed):
            raise ValueError(
                f"simulations can be at most {allowed:,} here: prices of "
                f"{self.portfolio_data.symbols:,} symbols are drawn in each"
                + (", and options and bonds are repriced" if self.portfolio_data.repriced else "")
            )
        return self

    @model_validator(mode="after")
    def _method_has_what_it_needs(self) -> "CalculateVarData":
        method_reprices(self)
        returns, at = self.portfolio_data.returns, self.portfolio_data.at
        if self.method == "historical":
            if returns is None:
                raise ValueError(f"{at}returns is missing: the historical method needs observed returns")
            if self.horizon_scaling == "overlapping" and len(returns) < self.time_horizon + 20:
                raise ValueError(f"{at}returns needs at least {self.time_horizon + 20} days here")
        elif returns is not None:
            raise ValueError(f"{at}returns is for the historical method, not for {self.method}")
        if self.method != "historical" and self.horizon_scaling != "square_root":
            raise ValueError(f"horizon_scaling is for the historical method, not for {self.method}")
        if self.method != "monte_carlo" and {"simulations", "precision"} & self.model_fields_set:
            raise ValueError(f"simulations and precision are for the simulation, not for {self.method}")
        return self

    @model_validator(mode="after")
    def _filter_fits(self) -> "CalculateVarData":
        if self.volatility_filter is not None and self.method != "historical":
            raise ValueError(f"volatility_filter is for the historical method, not for {self.method}")
        if self.decay is not None and self.volatility_filter is None:
            raise ValueError('decay is of a volatility_filter: send volatility_filter "ewma" with it')
        return self

    @model_validator(mode="after")
    def _distribution_fits(self) -> "CalculateVarData":
        if self.method == "historical" and {"distribution", "degrees_of_freedom"} & self.model_fields_set:
            raise ValueError("distribution is not for the historical method, which takes the returns as observed")
        if self.method == "parametric" and self.distribution == "lognormal":
            raise ValueError(
                "distribution can be normal or student_t for parametric: a sum of lognormal prices has no closed form; "
                "use monte_carlo"
            )
        if self.distribution != "student_t" and self.degrees_of_freedom is not None:
            raise ValueError(f"degrees_of_freedom is for the distribution student_t, not for {self.distribution}")
        return self

    @model_validator(mode="before")
    @classmethod
    def _positions_at_the_top(cls, data: Any) -> Any:
        """`{"positions": …}` is short for `{"portfolio_data": {"positions": …}}`."""
        if not isinstance(data, dict) or "portfolio_data" in data or "positions" not in data:
            return data
        short = _AtTheTop({key: data[key] for key in Portfolio.model_fields if key in data})
        return {key: value for key, value in data.items() if key not in short} | {"portfolio_data": short}


EXAMPLE: Final[dict[str, Any]] = {
    "portfolio_data": {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]}
}
