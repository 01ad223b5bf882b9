"""The data of a `calculate_var` task: positions, how they move together, and how the loss is measured."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

DEFAULT_VOLATILITY: Final = 0.20
MAX_POSITIONS: Final = 10_000
MAX_NORMALS: Final = 1_000_000_000  # some 20 s of drawing: well within a task's time limit

Finite = Annotated[float, Field(allow_inf_nan=False)]


class Strict(BaseModel):
    """Refuses what it does not know: a misspelt `volatilty` must not turn into a default and a wrong number."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Position(Strict):
    """`quantity` pieces (negative: short) of `symbol`, each worth `price`, in one currency for all positions."""

    symbol: str = Field(min_length=1, max_length=64)
    quantity: Finite
    price: Finite = Field(gt=0)
    volatility: Finite | None = Field(
        default=None,
        gt=0,
        le=10,
        description="Standard deviation of a year's return: 0.2 is 20 % (the default).",
    )


class Portfolio(Strict):
    """Positions and, optionally, the correlation matrix of their returns (rows in the positions' order)."""

    positions: list[Position] = Field(min_length=1, max_length=MAX_POSITIONS)
    correlations: list[list[Annotated[Finite, Field(ge=-1, le=1)]]] | None = Field(
        default=None,
        description="n × n, symmetric, ones on the diagonal; without it the positions are independent.",
    )

    @model_validator(mode="after")
    def _matrix_fits_positions(self) -> "Portfolio":
        rows = self.correlations
        if rows is None:
            return self
        size = len(self.positions)
        if len(rows) != size or any(len(row) != size for row in rows):
            raise ValueError(f"correlations must be {size} × {size}, a row and a column for each position")
        for i, row in enumerate(rows):
            if row[i] != 1:
                raise ValueError(f"correlations[{i}][{i}] must be 1: a position moves with itself")
            if any(row[j] != rows[j][i] for j in range(i)):
                raise ValueError(f"correlations must be symmetric; row {i} and column {i} differ")
        return self


class CalculateVarData(Strict):
    """Value at risk of a portfolio over `time_horizon` trading days at `confidence_level`."""

    portfolio_data: Portfolio
    confidence_level: Finite = Field(default=0.95, gt=0, lt=1)
    time_horizon: int = Field(default=10, ge=1, le=2_520, description="Trading days, 252 a year.")
    simulations: int = Field(default=100_000, ge=1_000, le=10_000_000)
    seed: int | None = Field(default=None, ge=0, lt=2**63, description="Default: derived from the data.")

    @model_validator(mode="after")
    def _work_is_bounded(self) -> "CalculateVarData":
        positions = len(self.portfolio_data.positions)
        if positions * self.simulations > MAX_NORMALS:
            raise ValueError(
                f"{positions:,} positions × {self.simulations:,} simulations are more than {MAX_NORMALS:,} draws; "
                f"simulations can be at most {MAX_NORMALS // positions:,} here"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _positions_at_the_top(cls, data: Any) -> Any:
        """`{"positions": …}` is short for `{"portfolio_data": {"positions": …}}`."""
        if not isinstance(data, dict) or "portfolio_data" in data or "positions" not in data:
            return data
        short = {key: data[key] for key in ("positions", "correlations") if key in data}
        return {key: value for key, value in data.items() if key not in short} | {"portfolio_data": short}


EXAMPLE: Final[dict[str, Any]] = {
    "portfolio_data": {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]}
}
