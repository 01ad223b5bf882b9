"""What a `calculate_var` result tells of options and bonds: prices, yields, assumptions and notes."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np

from risk.calculate_var.model import DEFAULT_YIELD_VOLATILITY, CalculateVarData
from risk.quant import lognormal
from risk.quant.instruments import LOWEST_YIELD
from risk.quant.repricing import Book, Factors

_FAR: Final = 5.0  # standard deviations: no quantile of interest rests on scenarios further out
_NAMED: Final = 5  # symbols that one note names


def lines_of(var: CalculateVarData, book: Book) -> list[dict[str, Any]]:
    """What else each position's line tells: an option's price, a bond's yield."""
    lines: list[dict[str, Any]] = [{} for _ in var.portfolio_data.positions]
    for i, price in zip(book.option_at.tolist(), book.option_prices.tolist(), strict=True):
        lines[i]["option_price"] = price
    for i, found in zip(book.bond_at.tolist(), book.yields.tolist(), strict=True):
        lines[i]["yield"] = found
    return lines


def assumed_of_terms(var: CalculateVarData) -> dict[str, Any]:
    """What was taken of options and bonds that the client did not say."""
    positions = var.portfolio_data.positions
    options = [position.option for position in positions if position.option]
    bonds = [position.bond for position in positions if position.bond]
    taken: dict[str, Any] = {} if "reprice_at" in var.model_fields_set else {"reprice_at": var.reprice_at}
    taken["prices"] = "none falls below 0: a return below -1 is taken as -1"
    if options:
        taken["options"] = "European, repriced in full by Black–Scholes; implied volatilities and rates stay"
        for name in ("rate", "dividend_yield"):
            if any(name not in option.model_fields_set for option in options):
                taken[name] = 0.0
        said = {position.risk for position in positions if position.volatility is not None}
        unsaid = any(position.option and position.risk not in said for position in positions)
        if unsaid and var.method == "monte_carlo" and var.portfolio_data.covariance is None:
            taken["underlying_volatility"] = "the implied one of the underlying's option nearest to the money"
    if bonds:
        taken["bonds"] = (
            "repriced in full from the yield that the price implies; its change is normal (Student's t where returns "
            "are), without drift, and the same for all bonds of one symbol; its row of correlations or covariance is "
            "the yield's: above 0 means that the bond falls when the other rises"
        )
        for name, default in (("coupons_a_year", 2), ("face", 100.0)):
            if any(name not in bond.model_fields_set for bond in bonds):
                taken[name] = default
        said = {position.risk for position in positions if position.bond and position.bond.yield_volatility}
        unsaid = any(position.bond and position.risk not in said for position in positions)
        if unsaid and var.portfolio_data.covariance is None:
            taken["yield_volatility"] = DEFAULT_YIELD_VOLATILITY
    return taken


def notes_of_terms(var: CalculateVarData) -> list[str]:
    """What a reader must know of options and bonds to use the figures."""
    return [*_of_sold_options(var), *_of_expiries(var)]


def rarely_drawn(var: CalculateVarData, factors: Factors, simulations: int) -> str | None:
    """What drives the loss when its mean comes from prices which are never drawn; None where it does not."""
    if var.distribution != "lognormal":
        return None
    rising = _rising(var)
    held = np.array([rising[risk] for risk in rising]) * ~factors.yields
    rare = lognormal.too_rare(replace(factors.joint, values=held), simulations)
    return None if rare is None else list(rising)[rare]


def _rising(var: CalculateVarData) -> dict[str, float]:
    """For each risk, in order of first appearance, what a rise of the price by 1 brings when the price is high."""
    rising: dict[str, float] = {}
    for position in var.portfolio_data.positions:
        counts = position.option is None or position.option.right == "call"
        rising[position.risk] = rising.get(position.risk, 0.0) + (position.quantity if counts else 0.0)
    return rising


def _of_sold_options(var: CalculateVarData) -> Iterator[str]:
    rising = _rising(var)
    falling: dict[str, float] = defaultdict(float)
    sold: set[tuple[str, str]] = set()
    for position in var.portfolio_data.positions:
        option = position.option
        if option is not None and option.right == "put":
            falling[position.risk] += position.quantity * option.strike
        if option is not None and position.quantity < 0:
            sold.add((position.risk, option.right))
    for name, right in sorted(sold):
        if right == "call" and rising[name] < 0:
            yield (
                f"The loss has no bound if {name} rises: calls on {-rising[name]:.6g} more of it are sold than are "
                "covered by calls and shares."
            )
        elif right == "put" and falling[name] < 0:
            yield f"The puts sold on {name} cost up to {-falling[name]:.6g} if it falls to 0."


def _of_expiries(var: CalculateVarData) -> Iterator[str]:
    if var.reprice_at == "horizon":
        return
    ends = [(p.option or p.bond, p.symbol) for p in var.portfolio_data.positions]
    early = [symbol for terms, symbol in ends if terms is not None and terms.maturity < var.years]
    if early:
        yield (
            f"Ends before the horizon, yet repriced with all the time left: {_named(early)}. "
            'reprice_at "horizon" counts the payoff.'
        )


def notes_of_yields(var: CalculateVarData, book: Book, factors: Factors) -> list[str]:
    """Of yields that scenarios take to where no bond is priced."""
    at = book.bond_at
    lowest = book.yields - _FAR * factors.joint.deviations[factors.of[at]]
    low = [var.portfolio_data.positions[i].symbol for i in at[lowest < LOWEST_YIELD].tolist()]
    if not low:
        return []
    return [f"Yields of {_named(low)} that would fall below {LOWEST_YIELD:.0%} are taken as that."]


def _named(symbols: list[str]) -> str:
    names = list(dict.fromkeys(symbols))
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
