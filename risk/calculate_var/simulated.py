"""`calculate_var` by simulation: normal returns, or lognormal prices."""

from risk.calculate_var.joint_returns import portfolio_of
from risk.calculate_var.model import CalculateVarData
from risk.calculate_var.told import Answer
from risk.defaults import seed_from
from risk.observed import checkpoint_of, simulating
from risk.quant import contributions, scenarios, value_at_risk
from risk.quant.streams import chunk_sizes
from throughline import Run


def simulated(var: CalculateVarData, run: Run) -> Answer:
    portfolio, checkpoint = portfolio_of(var, run), checkpoint_of(run)
    seed = var.seed if var.seed is not None else seed_from(var)
    lognormal = var.distribution == "lognormal"
    most = simulations_of(var)
    with simulating(run, simulations=most, positions=len(portfolio.values)) as watch:
        draw = scenarios.lognormal_gains if lognormal else scenarios.normal_losses
        chunk, rows = draw(portfolio, seed, watch)
        done = value_at_risk.simulate(
            scenarios.summed(chunk) if lognormal else chunk,
            chunk_sizes(most, rows),
            var.confidence_level,
            relative=var.precision.relative if var.precision else None,
            checkpoint=checkpoint,
            watch=watch,
        )
    at_risk = done.measure.value_at_risk
    with run.phase("contributions"):
        if lognormal:
            parts = contributions.of_scenarios(chunk, done.sizes, at_risk, portfolio.values, checkpoint)
        else:
            parts = contributions.of_normal(portfolio, at_risk)
    drawn = {"simulations": done.simulations, "seed": seed}
    if var.precision is not None:
        drawn["precision_reached"] = done.measure.within(var.precision.relative)
    return Answer(done.measure, parts, "nearest" if lognormal else "exact", drawn)


def simulations_of(var: CalculateVarData) -> int:
    """The simulations drawn; with a precision and no number of them, as many as it takes and is allowed."""
    asked = "simulations" in var.model_fields_set or var.precision is None
    return min(var.simulations, var.simulations_allowed) if asked else var.simulations_allowed
