"""The building blocks of every task type's data: models that refuse unknown fields, and numbers with bounds."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

MAX_CORRELATED: Final = 500  # rows of a matrix: its factor takes some 65 ms, and a body of 1 MB holds no more
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


def square(rows: Matrix, size: int, name: str, each: str = "position") -> None:
    """Raises for a matrix that has not a row and a column for each, is too large, or is not symmetric."""
    if size > MAX_CORRELATED:
        raise ValueError(f"{name} can be at most {MAX_CORRELATED} × {MAX_CORRELATED}; there are {size:,} {each}s")
    if len(rows) != size or any(len(row) != size for row in rows):
        raise ValueError(f"{name} must be {size} × {size}, a row and a column for each {each}")
    for i, row in enumerate(rows):
        if any(row[j] != rows[j][i] for j in range(i)):
            raise ValueError(f"{name} must be symmetric; row {i} and column {i} differ")


def correlations_fit(rows: Matrix, size: int, each: str = "position") -> None:
    """Raises as `square` does, and for a diagonal that is not ones."""
    square(rows, size, "correlations", each)
    for i, row in enumerate(rows):
        if row[i] != 1:
            raise ValueError(f"correlations[{i}][{i}] must be 1: a {each} moves with itself")
        if any(abs(value) > 1 for value in row):
            raise ValueError(f"correlations[{i}] has a value outside of -1 … 1")


def covariance_fits(rows: Matrix, size: int, each: str = "position") -> None:
    """Raises as `square` does, and for a variance that is not above zero."""
    square(rows, size, "covariance", each)
    for i, row in enumerate(rows):
        if row[i] <= 0:
            raise ValueError(f"covariance[{i}][{i}] must be above 0: it is a variance")
