"""The data of a `stress_test` task: positions, and the shocks, of history or the caller's own, they are put to."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from risk.instruments import OptionTerms
from risk.strict import MAX_CELLS, Finite, Positive, Strict

AssetClass = Literal["equity", "government_bond", "corporate_bond", "commodity", "gold", "oil", "currency", "crypto"]
ScenarioName = Literal[
    "black_monday_1987", "dotcom_2000_2002", "lehman_2008", "gfc_2007_2009", "covid_2020", "rates_2022"
]
Shock = Annotated[Finite, Field(ge=-1, le=10)]
MAX_POSITIONS: Final = 10_000


class StressedPosition(Strict):
    """`quantity` pieces at `price` (of the underlying, for options)."""

    symbol: str = Field(min_length=1, max_length=64)
    quantity: Annotated[Finite, Field(ge=-1e12, le=1e12)]
    price: Positive
    asset_class: AssetClass = "equity"
    beta: Annotated[Finite, Field(ge=-10, le=10)] | None = Field(
        default=None, description="Moves with the scenario's equity shock times this, instead of by its class."
    )
    option: OptionTerms | None = None


class CustomScenario(Strict):
    """The caller's own: relative price changes by symbol, class, or (for positions with a beta) of the market."""

    name: str = Field(min_length=1, max_length=64)
    shocks: dict[AssetClass, Shock] = Field(default={})
    symbols: dict[str, Shock] = Field(default={}, max_length=MAX_POSITIONS)
    market: Shock | None = Field(default=None, description="Default: the shock of the class equity.")
    volatility_change: Annotated[Finite, Field(ge=-0.99, le=10)] = Field(
        default=0.0, description="Relative change of the options' volatilities: 0.5 turns 20 % into 30 %."
    )
    rate_change: Annotated[Finite, Field(ge=-1, le=1, description="Added to the options' rates.")] = 0.0

    @model_validator(mode="after")
    def _shocks_something(self) -> "CustomScenario":
        if not (self.shocks or self.symbols or self.market or self.volatility_change or self.rate_change):
            raise ValueError("a scenario must shock something")
        return self


class StressTestData(Strict):
    """Profit and loss of each position in each scenario."""

    positions: list[StressedPosition] = Field(min_length=1, max_length=MAX_POSITIONS)
    scenarios: list[ScenarioName] | None = Field(default=None, max_length=20, description="Default: all of history.")
    custom_scenarios: list[CustomScenario] = Field(default=[], max_length=100)

    @model_validator(mode="after")
    def _something_to_test(self) -> "StressTestData":
        if self.scenarios == [] and not self.custom_scenarios:
            raise ValueError("there is no scenario: name some, or give custom_scenarios")
        cells = len(self.positions) * (len(self.custom_scenarios) + len(self.scenarios or [None] * 6))
        if cells > MAX_CELLS:
            raise ValueError(f"positions × scenarios can be at most {MAX_CELLS:,}, not {cells:,}")
        return self

    @model_validator(mode="before")
    @classmethod
    def _portfolio_data(cls, data: Any) -> Any:
        """`{"portfolio_data": {"positions": …}}`, as in `calculate_var`, is the same as `{"positions": …}`."""
        if not isinstance(data, dict) or "positions" in data or not isinstance(data.get("portfolio_data"), dict):
            return data
        rest = {key: value for key, value in data.items() if key != "portfolio_data"}
        return rest | data["portfolio_data"]


EXAMPLE: Final[dict[str, Any]] = {
    "positions": [
        {"symbol": "AAPL", "quantity": 100, "price": 150.0, "beta": 1.2},
        {"symbol": "GOLD", "quantity": 10, "price": 2000.0, "asset_class": "gold"},
    ],
    "scenarios": ["lehman_2008", "covid_2020"],
    "custom_scenarios": [{"name": "tech sell-off", "symbols": {"AAPL": -0.3}}],
}
