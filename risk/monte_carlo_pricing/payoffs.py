"""The payoff that an option's terms describe."""

import numpy as np

from risk.correlations import Correlations, impossible
from risk.monte_carlo_pricing import model as contract
from risk.quant import covariance
from risk.quant.barrier import ContinuousBarrier, DiscreteBarrier
from risk.quant.basket import Basket
from risk.quant.market import Market
from risk.quant.options import Asian, European, Payoff


def payoff_of(option: contract.AtExpiry, joint: Correlations) -> Payoff:
    """`joint`: the correlations of a basket's assets. Raises `NotCalculable` for ones that no returns can have."""
    if isinstance(option, contract.Basket):
        return _basket(option, joint)
    market = market_of(option)
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


def market_of(option: contract.OneAsset) -> Market:
    return Market(
        option.right == "call",
        option.spot,
        option.strike,
        option.maturity,
        option.rate,
        option.dividend_yield,
        option.volatility,
    )


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
