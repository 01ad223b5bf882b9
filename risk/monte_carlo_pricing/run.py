"""`monte_carlo_pricing` from its data to its result."""

from typing import Any

import numpy as np

from risk.correlations import NEAREST, Correlations, correlations, impossible
from risk.defaults import assumed, seed_from
from risk.monte_carlo_pricing import model as contract
from risk.monte_carlo_pricing.american import run_american
from risk.monte_carlo_pricing.model import MonteCarloPricingData
from risk.observed import checkpoint_of, simulating
from risk.quant import covariance, pricing
from risk.quant.barrier import ContinuousBarrier, DiscreteBarrier
from risk.quant.estimate import Estimate
from risk.quant.options import Asian, Basket, European, Market, Payoff
from throughline import Run


def run(asked: MonteCarloPricingData, run: Run) -> dict[str, Any]:
    """Price and sensitivities of an option; what was assumed is in the result."""
    if isinstance(asked.option, contract.American):
        return run_american(asked, asked.option, run)
    joint = _correlations(asked.option, run)
    payoff, checkpoint = _payoff(asked.option, joint), checkpoint_of(run)
    seed = asked.seed if asked.seed is not None else seed_from(asked)
    most = _most(asked)
    relative = asked.precision.relative if asked.precision else None
    with simulating(run, simulations=most) as watch:
        priced = pricing.price(payoff, asked.method, most, seed, relative=relative, checkpoint=checkpoint, watch=watch)
    result = {
        "price": priced.price.value,
        "standard_error": priced.price.standard_error,
        "confidence_interval": list(priced.price.interval),
        "greeks": {name: _told(greek) for name, greek in priced.greeks.items()},
        "method": asked.method,
        "simulations": priced.simulations,
        "seed": seed,
        "assumptions": _assumptions(asked, most),
        "notes": joint.notes,
    } | joint.told
    return result if relative is None else result | {"precision_reached": priced.price.within(relative)}


def _correlations(option: contract.Option, run: Run) -> Correlations:
    """Of a basket's assets; of one asset with itself for any other option. Raises `NotCalculable`."""
    if not isinstance(option, contract.Basket):
        return Correlations(np.eye(1))
    size = len(option.assets)
    with run.phase("correlate", assets=size):
        if option.correlations is None:
            return Correlations(np.eye(size))
        return correlations(option.correlations, option.nearest_correlations, run)


def _payoff(option: contract.AtExpiry, joint: Correlations) -> Payoff:
    if isinstance(option, contract.Basket):
        return _basket(option, joint)
    market = Market(
        option.right == "call",
        option.spot,
        option.strike,
        option.maturity,
        option.rate,
        option.dividend_yield,
        option.volatility,
    )
    match option:
        case contract.European():
            return European(market)
        case contract.Asian():
            return Asian(market, option.observations, option.averaging == "geometric")
        case contract.Barrier():
            knocks_in = option.kind.endswith("in")
            if option.monitoring == "continuous":
                return ContinuousBarrier(market, option.barrier, knocks_in)
            return DiscreteBarrier(market, option.barrier, option.kind.startswith("up"), knocks_in, option.observations)


def _basket(option: contract.Basket, joint: Correlations) -> Basket:
    try:
        factor = covariance.factor(joint.matrix)
    except covariance.NotPositiveSemidefinite as error:
        raise impossible("data.option.correlations", error) from None
    return Basket(
        call=option.right == "call",
        strike=option.strike,
        maturity=option.maturity,
        rate=option.rate,
        spots=np.array([asset.spot for asset in option.assets]),
        volatilities=np.array([asset.volatility for asset in option.assets]),
        weights=np.array([asset.weight for asset in option.assets]),
        dividend_yields=np.array([asset.dividend_yield for asset in option.assets]),
        factor=factor,
    )


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
