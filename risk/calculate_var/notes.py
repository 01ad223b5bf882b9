"""What a reader of a value at risk must know to use its figures."""

from risk.calculate_var.model import CalculateVarData
from risk.quant.loss_measure import LossMeasure


def notes_of(var: CalculateVarData, measure: LossMeasure, simulations: int | None = None) -> list[str]:
    """Of the measure of any method; `simulations` where it was simulated."""
    values = [position.quantity * position.price for position in var.portfolio_data.positions]
    return [*_above_all(var, measure, values), *_without_error(var, measure, simulations)]


def _above_all(var: CalculateVarData, measure: LossMeasure, values: list[float]) -> list[str]:
    """A long portfolio can lose its whole value and no more; normal and Student's t returns can be below −100 %,
    but are taken as that where options or bonds are repriced."""
    most = sum(values)
    if var.portfolio_data.repriced or min(values) < 0 or measure.expected_shortfall <= most * (1 + 1e-9):
        return []
    what = "value at risk is" if measure.value_at_risk > most else "expected shortfall is"
    amount = measure.value_at_risk if measure.value_at_risk > most else measure.expected_shortfall
    return [
        f"The {what} {amount:,.2f}, more than the {most:,.2f} that these long positions can lose: returns of this kind "
        'can be below -100 % at such volatilities and horizons. distribution "lognormal" of the method monte_carlo '
        "takes prices that cannot fall below zero."
    ]


def _without_error(var: CalculateVarData, measure: LossMeasure, simulations: int | None) -> list[str]:
    if simulations is None:
        return []
    notes = []
    beyond = simulations * (1 - var.confidence_level)
    drawn = f"of {simulations:,} simulations, {beyond:.3g} are expected beyond the value at risk"
    if measure.confidence_interval is None:
        thin = "beyond" if var.confidence_level >= 0.5 else "below"
        few = simulations * min(var.confidence_level, 1 - var.confidence_level)
        notes.append(
            f"No error of the value at risk can be stated: of {simulations:,} simulations, {few:.3g} are expected "
            f"{thin} it, which tells too little of that tail; draw more simulations."
        )
    if measure.shortfall_interval is None:
        notes.append(f"No error of the expected shortfall can be stated: {drawn}; draw more simulations.")
    if var.precision is not None and not measure.within(var.precision.relative):
        notes.append(_not_reached(var, measure, simulations))
    return notes


def _not_reached(var: CalculateVarData, measure: LossMeasure, simulations: int) -> str:
    assert var.precision is not None
    asked = f"The precision of {var.precision.relative:g} was not reached with {simulations:,} simulations"
    if measure.confidence_interval is None:
        return f"{asked}: there is no interval to compare with it."
    low, high = measure.confidence_interval
    half = f"half the interval is {(high - low) / 2:,.6g}, of a value at risk of {measure.value_at_risk:,.6g}"
    return f"{asked}, the most that were allowed: {half}."


def of_rare_prices(symbol: str) -> str:
    """Of a mean loss that comes from prices which are never drawn."""
    return (
        f"No error of the expected shortfall can be stated, and it is understated: what a rise of {symbol!r} costs on "
        "average comes from prices so high that hardly any simulation reaches them, at its volatility and this horizon."
    )
