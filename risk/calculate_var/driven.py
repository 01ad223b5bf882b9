"""Positions in options and bonds: what drives each of them, and what the data must say so that they can be repriced."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from risk.calculate_var.model import CalculateVarData, Position

NORMALS_AN_OPTION: Final = 6  # what repricing one costs, in normals drawn
NORMALS_A_BOND: Final = 5
_SAME_PRICE: Final = 0.1  # two quotes of one price are nearer to each other than this share of it


def terms_agree(positions: "Sequence[Position]") -> None:
    """Raises where a position cannot be what it says, or two that one risk drives contradict each other."""
    first: dict[str, int] = {}
    said: dict[str, int] = {}
    for i, position in enumerate(positions):
        before = first.setdefault(position.risk, i)
        if position.bond is not None:
            _is_a_bond(position, f"positions[{i}]")
        if before != i:
            _one_risk(positions[before], position, f"positions[{before}]", f"positions[{i}]")
        if position.bond is not None and position.bond.yield_volatility is not None:
            before = said.setdefault(position.risk, i)
            _one_yield(positions[before], position, f"positions[{before}]", f"positions[{i}]")


def _is_a_bond(position: "Position", at: str) -> None:
    if position.option is not None:
        raise ValueError(f"{at} has both option and bond: give one of them")
    if position.volatility is not None:
        raise ValueError(f"{at}.volatility is not for a bond, whose yield moves: give bond.yield_volatility instead")
    if position.drift:
        raise ValueError(f"{at}.drift is not for a bond, whose yield moves without drift: leave it out")


def _one_risk(first: "Position", other: "Position", first_at: str, at: str) -> None:
    if (first.bond is None) != (other.bond is None):
        bond, price = (at, first_at) if first.bond is None else (first_at, at)
        raise ValueError(
            f"{bond} is in bonds and {price} is not, but both are driven by {other.risk!r}: "
            "give the bond a symbol of its own"
        )
    if (first.option or other.option) and abs(first.price - other.price) > _SAME_PRICE * first.price:
        raise ValueError(
            f"{at}.price is {other.price:g} and {first_at}.price {first.price:g}, but both are of {other.risk!r}: "
            "the price of a position in options is the underlying's"
        )


def _one_yield(first: "Position", other: "Position", first_at: str, at: str) -> None:
    assert first.bond is not None and other.bond is not None
    before, value = first.bond.yield_volatility, other.bond.yield_volatility
    if before != value:
        raise ValueError(
            f"{at}.bond.yield_volatility is {value:g} and {first_at}.bond.yield_volatility {before:g}: "
            f"both are of {other.risk!r}, whose yield has one"
        )


def method_reprices(var: "CalculateVarData") -> None:
    """Raises where the method cannot do what the positions in options and bonds need."""
    positions = var.portfolio_data.positions
    repriced = [i for i, position in enumerate(positions) if position.option or position.bond]
    if not repriced:
        if "reprice_at" in var.model_fields_set:
            raise ValueError("reprice_at is for options and bonds, and no position is in one: leave it out")
        return
    first = f"{var.portfolio_data.at}positions[{repriced[0]}]"
    if var.method == "parametric":
        raise ValueError(
            f"{first} is repriced in full, and its gain is then not normal, as the parametric method takes it to be: "
            "use monte_carlo or historical"
        )
    if var.method == "historical":
        _history_reprices(var)


def _history_reprices(var: "CalculateVarData") -> None:
    for i, position in enumerate(var.portfolio_data.positions):
        at = f"{var.portfolio_data.at}positions[{i}]"
        if position.bond is not None:
            raise ValueError(
                f"{at}.bond is not for the historical method: leave it out, and let the position's column of returns "
                "hold the bond's returns"
            )
        if position.option is not None and var.reprice_at == "horizon" and position.option.maturity < var.years:
            raise ValueError(
                f"{at}.option expires within the horizon, where observed returns do not tell the price of that day: "
                'use reprice_at "now", or monte_carlo'
            )


def drawn_days(var: "CalculateVarData") -> int:
    """On how many days prices are drawn: at the horizon, and where an option expires before it."""
    if var.reprice_at == "now":
        return 1
    ends = {position.option.maturity for position in var.portfolio_data.positions if position.option}
    return 1 + sum(maturity < var.years for maturity in ends)


def repricing_cost(var: "CalculateVarData") -> int:
    """What pricing all options and bonds once more costs, in normals drawn."""
    positions = var.portfolio_data.positions
    options = sum(position.option is not None for position in positions)
    bonds = sum(position.bond is not None for position in positions)
    return NORMALS_AN_OPTION * options + NORMALS_A_BOND * bonds
