"""What every method of `calculate_var` tells of its measure and of the positions' parts in it."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from risk.calculate_var.lots import numbered
from risk.calculate_var.model import CalculateVarData
from risk.quant.loss_distribution import LossDistribution
from risk.quant.loss_measure import LossMeasure
from risk.quant.lots import Lots
from risk.quant.streams import Array
from risk.terms import options_of

Estimator = Literal["exact", "nearest"]
_ESTIMATORS: Final[dict[Estimator, str]] = {
    "exact": "Euler: the mean loss of the position given that the portfolio loses the value at risk, in closed form",
    "nearest": "Euler: the position's mean loss over the scenarios near the value at risk, by local linear regression "
    "on the portfolio's loss; never above what the position can lose, the rest going to the others by their variance",
}
_ALL_THE_SAME: Final = (
    "The simulated losses beyond the value at risk are the same to the last digit, so that no error of their mean can "
    "be stated: at this volatility and horizon they are the whole value, or the positions hedge each other."
)


@dataclass(frozen=True)
class Answer:
    """`parts` (n,): each symbol's contribution. `more`: what this method alone tells. `notes`: what a reader must
    know to use the figures. `assumed`: what this method took and the client did not say.
    `lines`: what else the position's line in `contributions` tells. `distribution`: of the losses, None
    where they are all the same."""

    measure: LossMeasure
    parts: Array
    estimator: Estimator
    more: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    assumed: dict[str, Any] = field(default_factory=dict)
    lines: list[dict[str, Any]] | None = None
    distribution: LossDistribution | None = None


def values_of(var: CalculateVarData) -> Array:
    """What each position is worth, negative when short; options by their model's price."""
    positions = var.portfolio_data.positions
    values = np.array([p.quantity * p.price for p in positions])
    if options := [(i, p.option) for i, p in enumerate(positions) if p.option]:
        at = [i for i, _ in options]
        spots, quantities = (np.array([getattr(positions[i], name) for i in at]) for name in ("price", "quantity"))
        values[at] = quantities * options_of([terms for _, terms in options]).price(spots)
    return values


def told(var: CalculateVarData, answer: Answer) -> dict[str, Any]:
    """The result, but for what it assumed: of the task as it was sent, with a line for each of its positions."""
    values, (measure, notes) = values_of(var), _stated(var, answer)
    lots = Lots(values, np.array(numbered([position.symbol for position in var.portfolio_data.positions])))
    return {
        "var_amount": _unsigned(measure.value_at_risk),
        "expected_shortfall": _unsigned(measure.expected_shortfall),
        "standard_error": None if measure.standard_error is None else _unsigned(measure.standard_error),
        "confidence_interval": _pair(measure.confidence_interval),
        "expected_shortfall_standard_error": measure.shortfall_standard_error,
        "expected_shortfall_interval": _pair(measure.shortfall_interval),
        "contributions": [
            {"symbol": position.symbol, "value": value, "contribution": part} | line
            for position, value, part, line in zip(
                var.portfolio_data.positions,
                values.tolist(),
                map(_unsigned, lots.shared(answer.parts).tolist()),
                answer.lines or [{}] * len(values),
                strict=True,
            )
        ],
        "contributions_estimator": _ESTIMATORS[answer.estimator],
        "portfolio_value": float(values.sum()),
        "loss_distribution": None if answer.distribution is None else answer.distribution.told(),
        "notes": notes,
    } | answer.more


def _stated(var: CalculateVarData, answer: Answer) -> tuple[LossMeasure, list[str]]:
    """The measure and its notes; losses that do not differ have a mean, and no error that a sample could tell."""
    measure = answer.measure
    if var.method != "monte_carlo" or measure.shortfall_standard_error != 0 or measure.value_at_risk == 0:
        return measure, answer.notes
    return measure.without_shortfall_error(), [*answer.notes, _ALL_THE_SAME]


def _pair(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else [_unsigned(bound) for bound in interval]


def _unsigned(number: float) -> float:
    """Without the sign of a zero: a portfolio without risk loses 0, not -0."""
    return number + 0.0
