"""`calculate_var` in closed form: normal or Student's t returns."""

from risk.calculate_var.joint_returns import portfolio_of, shape_of
from risk.calculate_var.model import CalculateVarData
from risk.calculate_var.notes import notes_of
from risk.calculate_var.told import Answer
from risk.quant import contributions, loss_distribution, value_at_risk
from throughline import Run


def in_closed_form(var: CalculateVarData, run: Run) -> Answer:
    portfolio = portfolio_of(var, run)
    shape = shape_of(var)
    measure = value_at_risk.parametric(portfolio, var.confidence_level, shape)
    parts = contributions.of_elliptical(portfolio, measure.value_at_risk)
    distribution = loss_distribution.of_shape(portfolio, shape, measure)
    return Answer(measure, parts, "exact", notes=notes_of(var, measure), distribution=distribution)
