"""Turns the terms of options and bonds, as a client sends them, into arrays that price all of them at once."""

from collections.abc import Sequence

import numpy as np

from risk.errors import NotCalculable
from risk.instruments import BondTerms, OptionTerms
from risk.quant.instruments import HIGHEST_YIELD, LOWEST_YIELD, Bond, NoYield, Option
from risk.quant.streams import Array


def options_of(terms: Sequence[OptionTerms]) -> Option:
    """All options as one, with an array (n,) in each field."""
    return Option(
        call=np.array([option.right == "call" for option in terms]),
        strike=np.array([option.strike for option in terms]),
        maturity=np.array([option.maturity for option in terms]),
        volatility=np.array([option.volatility for option in terms]),
        rate=np.array([option.rate for option in terms]),
        dividend_yield=np.array([option.dividend_yield for option in terms]),
    )


def bonds_of(terms: Sequence[BondTerms]) -> Bond:
    """All bonds as one, with an array (n,) in each field."""
    return Bond(
        coupon=np.array([bond.coupon for bond in terms]),
        maturity=np.array([bond.maturity for bond in terms]),
        coupons_a_year=np.array([bond.coupons_a_year for bond in terms]),
        face=np.array([bond.face for bond in terms]),
    )


def yields_of(bonds: Bond, prices: Array, paths: Sequence[str]) -> Array:
    """The yield (n,) that each bond's dirty price implies.

    Raises `NotCalculable`, with the bond's path in the data (`data.positions[3]`), for a price that no yield gives.
    """
    try:
        return bonds.yield_of(prices)
    except NoYield as error:
        raise NotCalculable(
            f"{paths[error.index]}.price: {prices[error.index]:.6g} is the price of this bond at no yield from "
            f"{LOWEST_YIELD:.0%} to {HIGHEST_YIELD:.0%}, which give {error.lowest:.6g} to {error.highest:.6g}; "
            "price is the dirty price of one bond of bond.face"
        ) from None
