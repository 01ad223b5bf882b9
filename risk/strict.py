"""The building blocks of every task type's data: models that refuse unknown fields, and numbers with bounds."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

MAX_CORRELATED: Final = 500  # rows of a matrix: its factor takes some 65 ms
MAX_CELLS: Final = 250_000  # of any table in a task's data

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(allow_inf_nan=False, gt=0, le=1e12)]
Rate = Annotated[float, Field(allow_inf_nan=False, ge=-1, le=1)]
Volatility = Annotated[float, Field(allow_inf_nan=False, gt=0, le=10)]
Seed = Annotated[int, Field(ge=0, lt=2**63, description="Default: derived from the data.")]
Matrix = list[list[Finite]]


class Strict(BaseModel):
    """Refuses unknown fields: a misspelt `volatilty` must not become a default value and a wrong result."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Precision(Strict):
    """When to stop: half the 95 % interval is at most this share of the estimate."""

    relative: Finite = Field(ge=1e-5, le=0.5)
