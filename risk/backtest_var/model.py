"""The data of a `backtest_var` task: what was gained on each day, and the value at risk that was stated for it."""

from typing import Annotated, Any, Final

from pydantic import Field, field_validator, model_validator

from risk.strict import Finite, Strict

LEAST_DAYS: Final = 20
MAX_DAYS: Final = 100_000

Amount = Annotated[Finite, Field(ge=-1e15, le=1e15)]


class BacktestVarData(Strict):
    """Profit and loss day by day, oldest first, against the value at risk stated for the same day beforehand."""

    profit_and_loss: list[Amount] = Field(
        min_length=LEAST_DAYS, max_length=MAX_DAYS, description="Of each day, oldest first; a loss is negative."
    )
    value_at_risk: list[Amount] = Field(
        min_length=LEAST_DAYS, max_length=MAX_DAYS, description="For the same days; a loss is positive."
    )
    confidence_level: Finite = Field(default=0.99, ge=0.5, lt=1, description="Of the value at risk.")
    significance_level: Finite = Field(
        default=0.05, gt=0, lt=0.5, description="A test rejects when its p-value is below it."
    )

    @field_validator("value_at_risk")
    @classmethod
    def _losses_are_positive(cls, values: list[float]) -> list[float]:
        for i, value in enumerate(values):
            if value < 0:
                raise ValueError(f"value_at_risk[{i}] is {value:g}: a loss is positive here; send it without the sign")
        return values

    @model_validator(mode="after")
    def _a_value_for_each_day(self) -> "BacktestVarData":
        days, stated = len(self.profit_and_loss), len(self.value_at_risk)
        if days != stated:
            raise ValueError(
                f"profit_and_loss has {days:,} days and value_at_risk {stated:,}: send one of each for every day"
            )
        return self


EXAMPLE: Final[dict[str, Any]] = {
    "profit_and_loss": [
        *(1.2, -0.4, 0.3, -2.6, 0.8, -1.1, 0.5, 1.9, -0.2, 0.6),
        *(-1.4, 0.9, -0.7, 0.1, -3.1, -2.2, 0.4, 1.1, -0.9, 0.7),
    ],
    "value_at_risk": [2.0] * 20,
    "confidence_level": 0.95,
}
