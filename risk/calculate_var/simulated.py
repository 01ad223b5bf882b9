"""`calculate_var` by simulation: normal or Student's t returns, or lognormal prices."""

from typing import Final

from risk.calculate_var.joint_returns import portfolio_of, shape_of
from risk.calculate_var.model import CalculateVarData
from risk.calculate_var.notes import notes_of, of_rare_prices
from risk.calculate_var.told import Answer, Estimator
from risk.defaults import seed_from
from risk.observed import checkpoint_of, simulating
from risk.quant import contributions, elliptical, lognormal, scenarios, value_at_risk
from risk.quant.portfolio import Portfolio
from risk.quant.scenarios import Losses
from risk.quant.stopwatch import Stopwatch
from risk.quant.streams import chunk_sizes
from throughline import Run

THIN: Final = 1_000  # losses beyond the value at risk: from fewer, its tail is drawn more often and weighted
_WEIGHTED: Final = "importance sampling: the tail is drawn more often, and its losses weigh less"
COUNTED: Final = 100_000  # simulations that a precision may take before a thin tail is taken for one


def simulated(var: CalculateVarData, run: Run) -> Answer:
    portfolio, checkpoint = portfolio_of(var, run), checkpoint_of(run)
    seed = var.seed if var.seed is not None else seed_from(var)
    prices = var.distribution == "lognormal"
    most = simulations_of(var)
    with simulating(run, simulations=most, positions=len(portfolio.values)) as watch:
        near = lognormal.around(portfolio, var.confidence_level) if prices else None
        if prices:
            tail = near if near is not None and near.reach and tail_is_thin(var) else None
            weighted = tail is not None
            losses, rows = lognormal.losses_of(portfolio, seed, watch, tail)
        else:
            weighted = _tilt(var) > 1
            losses, rows = _elliptical(var, portfolio, seed, watch)
        done = value_at_risk.simulate(
            losses,
            chunk_sizes(most, rows),
            var.confidence_level,
            relative=var.precision.relative if var.precision else None,
            checkpoint=checkpoint,
            watch=watch,
        )
    at_risk = done.measure.value_at_risk
    with run.phase("contributions"):
        if prices:
            parts = lognormal.parts_of(portfolio, near, at_risk, seed, checkpoint)
        else:
            parts = contributions.of_elliptical(portfolio, at_risk)
    drawn = {"simulations": done.simulations, "seed": seed}
    if var.precision is not None:
        drawn["precision_reached"] = done.measure.within(var.precision.relative)
    rare = lognormal.too_rare(portfolio, done.simulations) if prices else None
    notes, measure = notes_of(var, done.measure, done.simulations), done.measure
    if rare is not None:
        measure = measure.without_shortfall_error()
        notes.append(of_rare_prices(var.portfolio_data.positions[rare].symbol))
    sampling = {"sampling": _WEIGHTED} if weighted else {}
    estimator: Estimator = "nearest" if prices else "exact"
    return Answer(measure, parts, estimator, drawn, notes, sampling, distribution=done.distribution)


def simulations_of(var: CalculateVarData) -> int:
    """The simulations drawn; with a precision and no number of them, as many as it takes and is allowed."""
    asked = "simulations" in var.model_fields_set or var.precision is None
    return min(var.simulations, var.simulations_allowed) if asked else var.simulations_allowed


def tail_is_thin(var: CalculateVarData) -> bool:
    """Whether so few losses would lie beyond the value at risk that they tell too little of it."""
    counted = simulations_of(var) if var.precision is None else min(simulations_of(var), COUNTED)
    return var.confidence_level > 0.5 and counted * (1 - var.confidence_level) < THIN * (1 - 1e-9)


def _tilt(var: CalculateVarData) -> float:
    """1 for normal returns whose tail is not thin: they are drawn plainly."""
    shape = shape_of(var)
    return 1.0 if shape == elliptical.NORMAL and not tail_is_thin(var) else shape.tilt(var.confidence_level)


def _elliptical(var: CalculateVarData, portfolio: Portfolio, seed: int, watch: Stopwatch) -> tuple[Losses, int]:
    shape, tilt = shape_of(var), _tilt(var)
    if shape == elliptical.NORMAL and tilt == 1:
        return scenarios.normal_losses(portfolio, seed, watch)
    return elliptical.tail_losses(portfolio, shape, tilt, seed, watch)
