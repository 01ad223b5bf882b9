"""The terms of options and bonds: what a position of any task type may be in, beside the symbol itself."""

from typing import Annotated, Literal

from pydantic import Field

from risk.strict import Finite, Positive, Rate, Strict, Volatility


class OptionTerms(Strict):
    """Makes a position one in European options; the position's `price` is the underlying's."""

    right: Literal["call", "put"]
    strike: Positive
    maturity: Annotated[Finite, Field(gt=0, le=100, description="Years.")]
    volatility: Annotated[Volatility, Field(description="Implied, of a year: what the option is priced with.")]
    rate: Rate = 0.0
    dividend_yield: Rate = 0.0
    underlying: str | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        description="Symbol of what `price` is the price of. Default: the position's own symbol.",
    )


class BondTerms(Strict):
    """Makes a position one in bonds; the position's `price` is the dirty price of one bond of `face`.

    The last coupon is paid with the face at maturity, the others every 1 / `coupons_a_year` years before. The yield
    that the price implies is compounded `coupons_a_year` times a year.
    """

    coupon: Annotated[Finite, Field(ge=0, le=1, description="Of a year, as a share of the face: 0.05 is 5 %.")]
    maturity: Annotated[Finite, Field(gt=0, le=100, description="Years.")]
    coupons_a_year: Literal[1, 2, 4, 12] = 2
    face: Positive = 100.0
    yield_volatility: Annotated[Finite, Field(gt=0, le=1)] | None = Field(
        default=None,
        description="For the value at risk: standard deviation of a year's change of the yield, "
        "0.01 is 100 basis points (the default).",
    )
