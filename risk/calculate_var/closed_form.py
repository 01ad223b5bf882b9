"""`calculate_var` in closed form: normal or Student's t returns."""

from risk.calculate_var.joint_returns import portfolio_of, shape_of
from risk.calculate_var.model import CalculateVarData
from risk.calculate_var.notes import notes_of
from risk.calculate_var.told import Answer
from risk.quant import contributions, value_at_risk
from throughline import Run


def in_closed_form(var: CalculateVarData, run: Run) -> Answer:
    portfolio = portfolio_of(var, run)
    measure = value_at_risk.parametric(portfolio, var.confidence_level, shape_of(var))
    parts = contributions.of_elliptical(portfolio, measure.value_at_risk)
    return Answer(measure, parts, "exact", notes=notes_of(var, measure))
