"""`monte_carlo_pricing` from its data to its result."""

from typing import Any

import numpy as np

from risk.correlations import NEAREST, Correlations, correlations
from risk.defaults import assumed, seed_from
from risk.monte_carlo_pricing import model as contract
from risk.monte_carlo_pricing.american import run_american
from risk.monte_carlo_pricing.model import MonteCarloPricingData
from risk.monte_carlo_pricing.notes import notes_of, reached, stated
from risk.monte_carlo_pricing.payoffs import payoff_of
from risk.observed import checkpoint_of, simulating
from risk.quant import pricing
from risk.quant.estimate import Estimate
from throughline import Run


def run(asked: MonteCarloPricingData, run: Run) -> dict[str, Any]:
    """Price and sensitivities of an option; what was assumed is in the result."""
    if isinstance(asked.option, contract.American):
        return run_american(asked, asked.option, run)
    joint = _correlations(asked.option, run)
    payoff, checkpoint = payoff_of(asked.option, joint), checkpoint_of(run)
    seed = asked.seed if asked.seed is not None else seed_from(asked)
    most = _most(asked)
    relative = asked.precision.relative if asked.precision else None
    with simulating(run, simulations=most) as watch:
        priced = pricing.price(payoff, asked.method, most, seed, relative=relative, checkpoint=checkpoint, watch=watch)
    notes = notes_of(priced, asked)  # first, since it refuses what is not finite
    result = {
        "price": priced.price.value if priced.exact or priced.price.hits > 0 else None,
        "standard_error": priced.price.standard_error if stated(priced, priced.price) else None,
        "confidence_interval": list(priced.price.interval if stated(priced, priced.price) else priced.price.bounds),
        "greeks": {name: _told(greek) if stated(priced, greek) else None for name, greek in priced.greeks.items()},
        "method": asked.method,
        "simulations": priced.simulations,
        "seed": seed,
        "assumptions": _assumptions(asked, most),
        "notes": joint.notes + notes,
    } | joint.told
    return result if relative is None else result | {"precision_reached": reached(priced, relative)}


def _correlations(option: contract.Option, run: Run) -> Correlations:
    """Of a basket's assets; of one asset with itself for any other option. Raises `NotCalculable`."""
    if not isinstance(option, contract.Basket):
        return Correlations(np.eye(1))
    size = len(option.assets)
    with run.phase("correlate", assets=size):
        if option.correlations is None:
            return Correlations(np.eye(size))
        return correlations(option.correlations, option.nearest_correlations, run)


def _most(asked: MonteCarloPricingData) -> int:
    """The simulations drawn; with a precision and no number of them, as many as it takes and is allowed."""
    if "simulations" in asked.model_fields_set or asked.precision is None:
        return asked.simulations
    return asked.simulations_allowed


def _told(estimate: Estimate) -> dict[str, float]:
    return {"value": estimate.value, "standard_error": estimate.standard_error}


def _assumptions(asked: MonteCarloPricingData, most: int) -> dict[str, Any]:
    option = asked.option
    optional = [name for name, about in type(option).model_fields.items() if not about.is_required()]
    if isinstance(option, contract.Barrier) and option.monitoring == "continuous":
        optional.remove("observations")
    if isinstance(option, contract.Basket):
        optional.remove("nearest_correlations")
    taken: dict[str, Any] = (
        {"prices": "geometric Brownian motion"} | assumed(option, *optional) | assumed(asked, "method")
    )
    if isinstance(option, contract.Basket):
        taken |= {"correlations": "independent assets"} if option.correlations is None else {}
        taken |= {"correlations": NEAREST} if option.nearest_correlations else {}
        for name in ("weight", "dividend_yield"):
            if any(name not in asset.model_fields_set for asset in option.assets):
                taken[name] = contract.BasketAsset.model_fields[name].default
    if "simulations" not in asked.model_fields_set:
        taken["simulations"] = most
    if asked.seed is None:
        taken["seed"] = "derived from the data"
    return taken
