"""A European option in closed form, with its sensitivities: what barriers are told by."""

from math import exp, log, pi, sqrt

import numpy as np
from scipy.special import ndtr

from risk.quant import black_scholes
from risk.quant.market import Market
from risk.quant.streams import Array


def payoff(market: Market, prices: Array) -> Array:
    """Discounted."""
    sign = 1.0 if market.call else -1.0
    paid: Array = market.discount * np.maximum(sign * (prices - market.strike), 0.0)
    return paid


def closed_form(m: Market) -> Array:
    """Price, delta, gamma, vega, rho and theta (a year) of Black and Scholes 1973, with Merton's dividend yield."""
    sign = 1.0 if m.call else -1.0
    price = float(black_scholes.price(m.call, m.spot, m.strike, m.maturity, m.rate, m.dividend_yield, m.volatility))
    d1 = (m.mean_log - log(m.strike)) / m.deviation + m.deviation
    delta = sign * m.prepaid / m.spot * float(ndtr(sign * d1))
    density = exp(-min(d1**2, 1_400.0) / 2) / sqrt(2 * pi)
    gamma = m.prepaid * density / (m.spot**2 * m.deviation)
    vega = m.prepaid * density * sqrt(m.maturity)
    rho = m.maturity * (delta * m.spot - price)
    theta = m.rate * price - (m.rate - m.dividend_yield) * m.spot * delta - (m.volatility * m.spot) ** 2 / 2 * gamma
    return np.array([price, delta, gamma, vega, rho, theta])
