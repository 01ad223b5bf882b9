"""What of a simulated price can be stated, and the sentences that say why the rest cannot."""

from math import isfinite

from risk.errors import NotCalculable
from risk.monte_carlo_pricing import model as contract
from risk.monte_carlo_pricing.model import MonteCarloPricingData
from risk.quant import pricing
from risk.quant.estimate import Estimate
from risk.quant.pricing import FEWEST_HITS, ROUNDING, Priced


def stated(priced: Priced, estimate: Estimate) -> bool:
    """Whether enough paths carry it for a standard error, or it is known without any."""
    if not priced.exact:
        return estimate.hits >= FEWEST_HITS
    most = priced.price.half_width
    return most == 0 or (estimate.value != 0 and most <= ROUNDING * abs(priced.price.value))


def reached(priced: Priced, relative: float) -> bool:
    return pricing.reached(priced.price, relative)


def notes_of(priced: Priced, asked: MonteCarloPricingData) -> list[str]:
    """Raises `NotCalculable` when a figure is not finite."""
    _finite(priced, asked.option)
    if priced.exact:
        return _unsimulated(priced, asked)
    notes = []
    price, paths = priced.price, priced.simulations
    if not stated(priced, price):
        notes.append(
            f"Only {price.hits:.0f} of {paths:,} simulations carry the price, too few for a standard error; "
            "confidence_interval is what the price can be without arbitrage. More simulations help."
        )
    unknown = [name for name, greek in priced.greeks.items() if not stated(priced, greek)]
    if unknown:
        notes.append(f"Too few of {paths:,} simulations carry {', '.join(unknown)} to state them. More help.")
    if asked.precision and stated(priced, price) and not reached(priced, asked.precision.relative):
        notes.append(
            f"The precision of {asked.precision.relative:g} was not reached: after {paths:,} simulations half the "
            f"interval is {price.half_width:.3g}. More simulations help."
        )
    return notes


def _unsimulated(priced: Priced, asked: MonteCarloPricingData) -> list[str]:
    notes = [_why(priced, isinstance(asked.option, contract.Barrier))]
    unknown = [name for name, greek in priced.greeks.items() if not stated(priced, greek)]
    if unknown:
        notes.append(f"Not stated since next to nothing, with an unknown relative error: {', '.join(unknown)}.")
    if asked.precision and not reached(priced, asked.precision.relative):
        notes.append(f"A precision of {asked.precision.relative:g} of such a price is not reached.")
    return notes


def _why(priced: Priced, barrier: bool) -> str:
    value, most = priced.price.value, priced.price.half_width
    if value == 0 and most == 0:
        return "Nothing was simulated: where this option would pay, the barrier ends it."
    if value == 0:
        return f"Nothing was simulated: the price is below {most:.3g}, too little for any path to tell."
    if barrier:
        within = f" to within {most:.3g}" if most else ""
        return (
            f"Nothing was simulated: the barrier makes no difference to what the option pays{within}; "
            "it is the vanilla option, priced in closed form."
        )
    return f"Nothing was simulated: the price is its lower bound without arbitrage to within {most:.3g}."


def _finite(priced: Priced, option: contract.Option) -> None:
    estimates = {"price": priced.price} | priced.greeks
    for name, each in estimates.items():
        if not (isfinite(each.value) and isfinite(each.half_width)):
            raise NotCalculable(
                f"data.option: its {name} is beyond what a float holds at maturity {option.maturity:g}, "
                f"strike {option.strike:g}, rate {option.rate:g} and these spots and volatilities; "
                "make them less extreme"
            )
