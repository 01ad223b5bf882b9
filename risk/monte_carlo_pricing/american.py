"""The result of an American or Bermudan option: its bounds, and what a reader must know of them."""

from typing import Any, Final

from risk.defaults import assumed, seed_from
from risk.monte_carlo_pricing.model import American, MonteCarloPricingData
from risk.monte_carlo_pricing.payoffs import market_of
from risk.observed import checkpoint_of, simulating
from risk.quant import american
from risk.quant.american import BETWEEN, FEWEST_HITS, Bounded
from risk.quant.estimate import Estimate
from throughline import Run

DEFAULT_SIMULATIONS: Final = 20_000  # with its martingale as control, as exact as some millions without


def run_american(asked: MonteCarloPricingData, option: American, run: Run) -> dict[str, Any]:
    """Price and bounds; `standard_error` is half the interval over 1.96, so that it has the gap between them in it."""
    seed = asked.seed if asked.seed is not None else seed_from(asked)
    relative = asked.precision.relative if asked.precision else None
    market = market_of(option)
    exercise = american.Exercise(option.dates, option.exercise_dates is None)
    most = _most(asked)
    with simulating(run, simulations=most) as watch:
        found = american.price(
            market, exercise, most, seed, relative=relative, checkpoint=checkpoint_of(run), watch=watch
        )
    reached = None if relative is None else found.price.within(relative)
    counted = found.exact or found.hits >= FEWEST_HITS
    result = {
        "price": found.price.value,
        "standard_error": found.price.standard_error,
        "confidence_interval": list(found.price.interval),
        "lower_bound": _told(found.lower),
        "upper_bound": _told(found.upper),
        "greeks": {name: _told(greek) if counted else None for name, greek in found.greeks.items()},
        "method": "least_squares",
        "exercise_dates": option.dates,
        "simulations": found.simulations,
        "seed": seed,
        "assumptions": _assumptions(asked, option, most),
        "notes": _notes(option, found, reached),
    }
    return result if reached is None else result | {"precision_reached": reached}


def _most(asked: MonteCarloPricingData) -> int:
    if "simulations" in asked.model_fields_set:
        return asked.simulations
    return asked.simulations_allowed if asked.precision else min(DEFAULT_SIMULATIONS, asked.simulations_allowed)


def _told(estimate: Estimate) -> dict[str, float]:
    return {"value": estimate.value + 0.0, "standard_error": estimate.standard_error}


def _assumptions(asked: MonteCarloPricingData, option: American, most: int) -> dict[str, Any]:
    taken: dict[str, Any] = {
        "prices": "geometric Brownian motion",
        "price": "midway between the low end of the lower bound and the high end of the upper bound",
        "greeks": "of the lower bound",
    } | assumed(option, "rate", "dividend_yield")
    if option.exercise_dates is None:
        taken["exercise"] = (
            f"at any time; the lower bound is of {option.dates} dates, the upper bound of {BETWEEN * option.dates}, "
            "extrapolated to all times"
        )
    if "simulations" not in asked.model_fields_set:
        taken["simulations"] = most
    if asked.seed is None:
        taken["seed"] = "derived from the data"
    return taken


def _notes(option: American, found: Bounded, reached: bool | None) -> list[str]:
    notes = []
    if found.at_once:
        notes.append("the option is worth most when it is exercised now: price is its payoff")
    elif found.exact:
        notes.append("early exercise is worth nothing here: price is the European one in closed form")
    elif found.hits < FEWEST_HITS:
        notes.append(
            f"{found.hits} of {found.simulations:,} paths were exercised early, too few for an interval: the bounds "
            "are those in closed form (European, and without interest), and the Greeks are null"
        )
    if reached is False:
        way = "give more simulations"
        if found.upper.value - found.lower.value > found.upper.half_width + found.lower.half_width:
            way = "the gap between the bounds is wider, which no number of paths closes"
            way += "; with exercise_dates it is smaller" if option.exercise_dates is None else ""
        notes.append(f"the precision was not reached: {way}")
    return notes
