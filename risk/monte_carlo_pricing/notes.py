"""What of a simulated price can be stated, and the sentences that say why the rest cannot."""

from math import isfinite

from risk.errors import NotCalculable
from risk.monte_carlo_pricing import model as contract
from risk.monte_carlo_pricing.model import MonteCarloPricingData
from risk.quant import pricing
from risk.quant.estimate import Estimate
from risk.quant.pricing import FEWEST_HITS, Priced


def stated(priced: Priced, estimate: Estimate) -> bool:
    """Whether enough paths carry it for a standard error."""
    return priced.exact or estimate.hits >= FEWEST_HITS


def reached(priced: Priced, relative: float) -> bool:
    return priced.exact or pricing.reached(priced.price, relative)


def notes_of(priced: Priced, asked: MonteCarloPricingData) -> list[str]:
    """Raises `NotCalculable` when a figure is not finite."""
    _finite(priced, asked.option)
    if priced.exact:
        return [_exact(priced, asked.option)]
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


def _exact(priced: Priced, option: contract.Option) -> str:
    if not isinstance(option, contract.Barrier):
        return "Nothing was simulated: no path that floating point can tell moves the price away from its bound."
    if priced.price.value == 0:
        return "Nothing was simulated: where this option would pay, the barrier ends it; or it never begins."
    return (
        "Nothing was simulated: the barrier makes no difference to where the option pays; "
        "it is the vanilla option, priced in closed form."
    )


def _finite(priced: Priced, option: contract.Option) -> None:
    estimates = {"price": priced.price} | priced.greeks
    for name, each in estimates.items():
        if not (isfinite(each.value) and isfinite(each.half_width)):
            raise NotCalculable(
                f"data.option: its {name} is beyond what a float holds at maturity {option.maturity:g}, "
                f"strike {option.strike:g}, rate {option.rate:g} and these spots and volatilities; "
                "make them less extreme"
            )
