"""`calculate_var` in closed form: normal returns."""

from risk.calculate_var.joint_returns import portfolio_of
from risk.calculate_var.model import CalculateVarData
from risk.calculate_var.told import Answer
from risk.quant import contributions, value_at_risk
from throughline import Run


def in_closed_form(var: CalculateVarData, run: Run) -> Answer:
    portfolio = portfolio_of(var, run)
    measure = value_at_risk.parametric(portfolio, var.confidence_level)
    return Answer(measure, contributions.of_normal(portfolio, measure.value_at_risk), "exact")
