"""The book of a `calculate_var` task with options or bonds, and the joint changes of the risks that drive it."""

from collections.abc import Sequence
from math import log
from typing import Any

import numpy as np

from risk.calculate_var.joint_returns import portfolio_of, shape_of
from risk.calculate_var.lots import first_lots, numbered, tables_by_symbol
from risk.calculate_var.model import DEFAULT_VOLATILITY, DEFAULT_YIELD_VOLATILITY, CalculateVarData, Position
from risk.quant.repricing import Book, Factors
from risk.terms import bonds_of, options_of, yields_of
from throughline import Run


def book_of(var: CalculateVarData) -> Book:
    """Raises `NotCalculable` for a bond whose price no yield gives."""
    positions = var.portfolio_data.positions
    option_at = [i for i, position in enumerate(positions) if position.option]
    bond_at = [i for i, position in enumerate(positions) if position.bond]
    bonds = bonds_of([position.bond for position in positions if position.bond])
    prices = np.array([position.price for position in positions])
    paths = [f"data.{var.portfolio_data.at}positions[{i}]" for i in bond_at]
    return Book(
        quantities=np.array([position.quantity for position in positions]),
        prices=prices,
        options=options_of([position.option for position in positions if position.option]),
        option_at=np.array(option_at, dtype=np.int64),
        bonds=bonds,
        bond_at=np.array(bond_at, dtype=np.int64),
        yields=yields_of(bonds, prices[bond_at], paths) if bond_at else np.empty(0),
        passed=var.years if var.reprice_at == "horizon" else 0.0,
    )


def factors_of(var: CalculateVarData, run: Run) -> Factors:
    """The joint changes of all risks over the horizon; raises `NotCalculable` for a matrix that none can have."""
    risks = _risks(var)
    return Factors(
        joint=portfolio_of(risks, run),
        of=np.array(numbered([position.risk for position in var.portfolio_data.positions])),
        yields=np.array([position.bond is not None for position in risks.portfolio_data.positions]),
        lognormal=var.distribution == "lognormal",
        degrees=shape_of(var).degrees,
    )


def _risks(var: CalculateVarData) -> CalculateVarData:
    """The same task with one position, worth nothing, for each risk: its volatility, its drift, its row of tables."""
    data = var.portfolio_data
    names = [position.risk for position in data.positions]
    driven: list[list[Position]] = [[] for _ in first_lots(names)]
    for position, number in zip(data.positions, numbered(names), strict=True):
        driven[number].append(position)
    positions = [_risk(positions, data.covariance is None) for positions in driven]
    update: dict[str, Any] = {"positions": positions} | tables_by_symbol(data, first_lots(names))
    return var.model_copy(update={"portfolio_data": data.model_copy(update=update)})


def _risk(driven: Sequence[Position], volatile: bool) -> Position:
    drift = next((position.drift for position in driven if "drift" in position.model_fields_set), 0.0)
    update: dict[str, Any] = {"quantity": 0.0, "drift": drift}
    if volatile:
        update["volatility"] = _volatility(driven)
    return driven[0].model_copy(update=update)


def _volatility(driven: Sequence[Position]) -> float:
    """What the client said, else the implied one of the option nearest to the money, else the default."""
    bonds = [position.bond.yield_volatility for position in driven if position.bond]
    if bonds:
        return next((said for said in bonds if said is not None), DEFAULT_YIELD_VOLATILITY)
    said = [position.volatility for position in driven if position.volatility is not None]
    if said:
        return said[0]
    implied = [(abs(log(p.option.strike) - log(p.price)), p.option.volatility) for p in driven if p.option]
    return min(implied)[1] if implied else DEFAULT_VOLATILITY
