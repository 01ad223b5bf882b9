"""`calculate_var` from returns that were observed."""

import numpy as np

from risk.calculate_var.model import CalculateVarData
from risk.calculate_var.told import Answer, values_of
from risk.quant import contributions, value_at_risk
from risk.quant.loss_measure import measure_losses
from throughline import Run


def from_history(var: CalculateVarData, run: Run) -> Answer:
    values, returns = values_of(var), np.array(var.portfolio_data.returns)
    overlapping = var.horizon_scaling == "overlapping"
    gains = value_at_risk.historical_gains(values, returns, var.time_horizon, overlapping)
    with run.phase("quantile"):
        measure = measure_losses(-gains.sum(axis=1), var.confidence_level)
    parts = contributions.of_history(gains, measure.value_at_risk, values)
    return Answer(measure, parts, "nearest", {"observations": len(gains)})
