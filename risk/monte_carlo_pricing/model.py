"""The data of a `monte_carlo_pricing` task: one option, its market, and how its price is simulated."""

from math import sqrt
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from risk.matrices import FORMS, NEAREST_ASKED, correlations_of, nearest_has_correlations
from risk.strict import Finite, Matrix, Positive, Precision, Rate, Seed, Strict, Volatility

MAX_SIMULATIONS: Final = 10_000_000
MAX_STEPS: Final = 2_000_000_000  # simulations × normals of one: some 60 s
MAX_ASSETS: Final = 50
MAX_DATES: Final = 1_000
DEVIATIONS: Final = (1e-6, 20.0)  # of a price's logarithm at expiry: below, rounding; beyond, no float holds the prices

Amount = Annotated[float, Field(allow_inf_nan=False, ge=1e-12, le=1e12)]


def moves(volatility: float, maturity: float, of: str) -> None:
    """Raises for a price that moves too little, or too much, to be simulated."""
    deviation, (least, most) = volatility * sqrt(maturity), DEVIATIONS
    if not least <= deviation <= most:
        raise ValueError(
            f"{of} × √maturity is {deviation:.3g} (volatility {volatility:g}, maturity {maturity:g} years); "
            f"a price can be simulated from {least:g} to {most:g}"
        )


class _Option(Strict):
    """What every option has: a right, a strike, and years to its expiry."""

    right: Literal["call", "put"]
    strike: Positive
    maturity: Annotated[Finite, Field(gt=0, le=100, description="Years.")]
    rate: Rate = Field(default=0.0, description="Riskless, continuously compounded.")


class OneAsset(_Option):
    """On the price of one asset."""

    spot: Positive
    volatility: Volatility
    dividend_yield: Rate = 0.0

    @property
    def normals(self) -> int:
        """Standard normals that one scenario takes."""
        return 1


class _Moving(OneAsset):
    """Whose price is drawn at expiry, however small or large."""

    strike: Amount
    spot: Amount

    @model_validator(mode="after")
    def _moves(self) -> Self:
        moves(self.volatility, self.maturity, "volatility")
        return self


class European(_Moving):
    """Exercised at expiry."""

    style: Literal["european"]


class American(OneAsset):
    """Exercised at any time up to expiry, or on some dates only (Bermudan)."""

    style: Literal["american"]
    exercise_dates: int | None = Field(
        default=None,
        ge=1,
        le=MAX_DATES,
        description="Equally spaced, the last one at expiry: a Bermudan option. Without it the holder may exercise at "
        "any time; the lower bound is then of exercise on 50 dates a year (50 to 1,000), the upper bound of any time.",
    )

    @property
    def dates(self) -> int:
        """On which the simulated holder may exercise."""
        return self.exercise_dates or min(MAX_DATES, max(50, round(50 * self.maturity)))

    @property
    def normals(self) -> int:
        """A date takes as long as this many normals."""
        return 100 * self.dates


class Asian(_Moving):
    """On the average price at `observations` equally spaced dates, the last one at expiry."""

    style: Literal["asian"]
    averaging: Literal["arithmetic", "geometric"] = "arithmetic"
    observations: int = Field(default=12, ge=1, le=1_000)

    @property
    def normals(self) -> int:
        return self.observations


class Barrier(_Moving):
    """Ends (out) or begins (in) when the price touches `barrier`."""

    style: Literal["barrier"]
    barrier: Amount
    kind: Literal["up-and-out", "up-and-in", "down-and-out", "down-and-in"]
    monitoring: Literal["continuous", "discrete"] = Field(
        default="continuous", description="At all times, or at `observations` equally spaced dates only."
    )
    observations: int = Field(default=252, ge=1, le=1_000)

    @property
    def normals(self) -> int:
        return self.observations if self.monitoring == "discrete" else 1

    @model_validator(mode="after")
    def _not_touched_yet(self) -> "Barrier":
        up = self.kind.startswith("up")
        if (self.spot >= self.barrier) if up else (self.spot <= self.barrier):
            raise ValueError(f"barrier must be {'above' if up else 'below'} spot for {self.kind}")
        return self


class BasketAsset(Strict):
    """One of the basket's assets, `weight` pieces of it."""

    spot: Amount
    volatility: Volatility
    weight: Amount = 1.0
    dividend_yield: Rate = 0.0


class Basket(_Option):
    """On the weighted sum of several prices at expiry."""

    style: Literal["basket"]
    strike: Amount
    assets: list[BasketAsset] = Field(min_length=1, max_length=MAX_ASSETS)
    correlations: Annotated[Matrix, correlations_of("assets")] | None = Field(
        default=None, description=f"{FORMS}; ones on the diagonal. Without it the assets are independent."
    )
    nearest_correlations: bool = Field(default=False, description=NEAREST_ASKED)

    @property
    def normals(self) -> int:
        return len(self.assets)

    @model_validator(mode="after")
    def _move(self) -> Self:
        for i, asset in enumerate(self.assets):
            moves(asset.volatility, self.maturity, f"assets[{i}].volatility")
        return self

    @model_validator(mode="after")
    def _nearest_of_something(self) -> "Basket":
        nearest_has_correlations(self.nearest_correlations, self.correlations)
        return self


AtExpiry = European | Asian | Barrier | Basket
Option = Annotated[AtExpiry | American, Field(discriminator="style")]


class MonteCarloPricingData(Strict):
    """The price of an option, and its sensitivities, by simulation of geometric Brownian motions."""

    option: Option
    method: Literal["plain", "antithetic", "control_variate", "sobol"] = Field(
        default="control_variate",
        description="How normals are drawn: control_variate uses antithetic pairs as well; sobol: scrambled, "
        "16 independent replications. All draw where the option pays (importance sampling).",
    )
    simulations: int = Field(default=100_000, ge=1_000, le=MAX_SIMULATIONS, description="With a precision: the most.")
    precision: Precision | None = None
    seed: Seed | None = None

    @model_validator(mode="after")
    def _method_fits(self) -> "MonteCarloPricingData":
        if isinstance(self.option, American) and self.method != "control_variate":
            raise ValueError(
                f"method: {self.method!r} is not for style american, which has least squares of its own: leave it out"
            )
        return self

    @property
    def simulations_allowed(self) -> int:
        """Within what a worker has time for."""
        return min(MAX_SIMULATIONS, MAX_STEPS // self.option.normals)

    @model_validator(mode="after")
    def _work_is_bounded(self) -> "MonteCarloPricingData":
        allowed = self.simulations_allowed
        if "simulations" in self.model_fields_set and self.simulations > allowed:
            work = f"{self.option.dates} dates" if isinstance(self.option, American) else f"{self.option.normals} draws"
            raise ValueError(f"simulations can be at most {allowed:,} here: each takes {work}")
        return self


EXAMPLE: Final[dict[str, Any]] = {
    "option": {
        "style": "european",
        "right": "call",
        "spot": 100.0,
        "strike": 100.0,
        "maturity": 1.0,
        "rate": 0.05,
        "volatility": 0.2,
    }
}
