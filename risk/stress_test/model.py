"""The data of a `stress_test` task: positions, and the shocks, of history or the caller's own, they are put to."""

from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import Field, ModelWrapValidatorHandler, PrivateAttr, model_validator

from risk.instruments import BondTerms, OptionTerms
from risk.strict import MAX_CELLS, Finite, Positive, Strict

AssetClass = Literal["equity", "government_bond", "corporate_bond", "commodity", "gold", "oil", "currency", "crypto"]
ScenarioName = Literal[
    "black_monday_1987", "dotcom_2000_2002", "lehman_2008", "gfc_2007_2009", "covid_2020", "rates_2022"
]
Shock = Annotated[Finite, Field(ge=-1, le=10)]
MAX_POSITIONS: Final = 10_000
_BONDS: Final = ("government_bond", "corporate_bond")


class StressedPosition(Strict):
    """`quantity` pieces at `price` (of the underlying, for options)."""

    symbol: str = Field(min_length=1, max_length=64)
    quantity: Annotated[Finite, Field(ge=-1e12, le=1e12)]
    price: Positive
    asset_class: AssetClass | None = Field(
        default=None, description="Default: equity, and government_bond for a position with bond terms."
    )
    beta: Annotated[Finite, Field(ge=-10, le=10)] | None = Field(
        default=None, description="Moves with the scenario's equity shock times this, instead of by its class."
    )
    option: OptionTerms | None = None
    bond: BondTerms | None = Field(default=None, description="Repriced in full where a scenario moves rates.")

    @property
    def kind(self) -> AssetClass:
        """The asset class, or its default."""
        return self.asset_class or ("equity" if self.bond is None else "government_bond")

    @property
    def priced_by(self) -> str:
        """The symbol that `price` is the price of."""
        return (self.option.underlying if self.option is not None else None) or self.symbol

    @model_validator(mode="after")
    def _one_instrument(self) -> "StressedPosition":
        if self.option is not None and self.bond is not None:
            raise ValueError("a position is in options or in bonds: give option or bond, not both")
        if self.bond is not None and self.kind not in _BONDS:
            raise ValueError(f"asset_class of a position with bond terms must be one of {_BONDS}, not {self.kind!r}")
        return self


class CustomScenario(Strict):
    """The caller's own: relative price changes by symbol, class, or (for positions with a beta) of the market.

    What it does not name stays. A position that nothing in it moves is not covered; name a change of 0 to say that it
    is to stay.
    """

    name: str = Field(min_length=1, max_length=64)
    shocks: dict[AssetClass, Shock] = Field(default={})
    symbols: dict[str, Shock] = Field(
        default={}, max_length=MAX_POSITIONS, description="By symbol of a position or of an option's underlying."
    )
    market: Shock | None = Field(default=None, description="Default: the shock of the class equity.")
    volatility_change: Annotated[Finite, Field(ge=-0.99, le=10)] | None = Field(
        default=None, description="Relative change of all options' volatilities: 0.5 turns 20 % into 30 %."
    )
    rate_change: Annotated[Finite, Field(ge=-1, le=1)] | None = Field(
        default=None,
        description="Added to the options' rates and to the yields of positions with bond terms (0.01 is 100 basis "
        "points), which are repriced in full (before any shock of their class, after a shock of their symbol).",
    )

    @model_validator(mode="after")
    def _shocks_something(self) -> "CustomScenario":
        changes = (self.market, self.volatility_change, self.rate_change)
        if not self.shocks and not self.symbols and all(change is None for change in changes):
            raise ValueError("a scenario must shock something")
        return self


class StressTestData(Strict):
    """Profit and loss of each position in each scenario."""

    positions: list[StressedPosition] = Field(min_length=1, max_length=MAX_POSITIONS)
    scenarios: list[ScenarioName] | None = Field(default=None, max_length=20, description="Default: all of history.")
    custom_scenarios: list[CustomScenario] = Field(default=[], max_length=100)
    _at: str = PrivateAttr(default="")

    @property
    def positions_at(self) -> str:
        """Where its client put the positions, with `data` before it."""
        return f"data.{self._at}positions"

    @property
    def names(self) -> list[str]:
        """Of history's scenarios that are asked for."""
        return list(get_args(ScenarioName) if self.scenarios is None else self.scenarios)

    @model_validator(mode="after")
    def _something_to_test(self) -> "StressTestData":
        if self.scenarios == [] and not self.custom_scenarios:
            raise ValueError("there is no scenario: name some, or give custom_scenarios")
        cells = len(self.positions) * (len(self.custom_scenarios) + len(self.names))
        if cells > MAX_CELLS:
            raise ValueError(f"positions × scenarios can be at most {MAX_CELLS:,}, not {cells:,}")
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> "StressTestData":
        seen: set[str] = set()
        paths = [f"scenarios[{i}]" for i in range(len(self.names))]
        paths += [f"custom_scenarios[{i}].name" for i in range(len(self.custom_scenarios))]
        for path, name in zip(paths, self.names + [own.name for own in self.custom_scenarios], strict=True):
            if name in seen:
                raise ValueError(f"{path}: {name!r} names two scenarios; leave one out, or give it another name")
            seen.add(name)
        return self

    @model_validator(mode="after")
    def _symbols_are_held(self) -> "StressTestData":
        held = {position.symbol for position in self.positions}
        held |= {each.option.underlying for each in self.positions if each.option and each.option.underlying}
        for i, scenario in enumerate(self.custom_scenarios):
            for symbol in scenario.symbols:
                if symbol not in held:
                    path = f"custom_scenarios[{i}].symbols"
                    raise ValueError(f"{path}: no position has the symbol {symbol!r}{_closest(symbol, held)}")
        return self

    @model_validator(mode="wrap")
    @classmethod
    def _portfolio_data(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """`{"portfolio_data": {"positions": …}}`, as in `calculate_var`, is the same as `{"positions": …}`."""
        if not isinstance(data, dict) or "positions" in data or not isinstance(data.get("portfolio_data"), dict):
            return handler(data)
        rest = {key: value for key, value in data.items() if key != "portfolio_data"}
        asked = handler(rest | data["portfolio_data"])
        asked._at = "portfolio_data."
        return asked


def _closest(symbol: str, held: set[str]) -> str:
    """A question after the symbol that was meant, when one is near, whatever the case of its letters."""
    folded = {each.casefold(): each for each in sorted(held)}
    near = get_close_matches(symbol.casefold(), folded, n=1)
    return f"; did you mean {folded[near[0]]!r}?" if near else ""


EXAMPLE: Final[dict[str, Any]] = {
    "positions": [
        {"symbol": "AAPL", "quantity": 100, "price": 150.0, "beta": 1.2},
        {"symbol": "GOLD", "quantity": 10, "price": 2000.0, "asset_class": "gold"},
    ],
    "scenarios": ["lehman_2008", "covid_2020"],
    "custom_scenarios": [{"name": "tech sell-off", "symbols": {"AAPL": -0.3}}],
}
