"""`calculate_var` by simulation of a portfolio with options or bonds: all of it is priced again in each scenario."""

from risk.calculate_var.book import book_of, factors_of
from risk.calculate_var.model import CalculateVarData
from risk.calculate_var.notes import notes_of, of_rare_prices
from risk.calculate_var.repriced_told import assumed_of_terms, lines_of, notes_of_terms, notes_of_yields, rarely_drawn
from risk.calculate_var.simulated import simulations_of
from risk.calculate_var.told import Answer, values_of
from risk.defaults import seed_from
from risk.observed import checkpoint_of, simulating
from risk.quant import contributions, value_at_risk
from risk.quant.repricing import repriced_gains
from risk.quant.scenarios import summed
from risk.quant.streams import chunk_sizes
from throughline import Run


def repriced(var: CalculateVarData, run: Run) -> Answer:
    book, factors = book_of(var), factors_of(var, run)
    seed = var.seed if var.seed is not None else seed_from(var)
    most = simulations_of(var)
    with simulating(run, simulations=most, positions=len(book.prices)) as watch:
        gains, rows = repriced_gains(book, factors, seed, watch)
        done = value_at_risk.simulate(
            summed(gains),
            chunk_sizes(most, rows),
            var.confidence_level,
            relative=var.precision.relative if var.precision else None,
            checkpoint=checkpoint_of(run),
            watch=watch,
        )
    at_risk = done.measure.value_at_risk
    with run.phase("contributions"):
        parts = contributions.of_scenarios(gains, done.sizes, at_risk, values_of(var), checkpoint_of(run))
    drawn = {"simulations": done.simulations, "seed": seed}
    if var.precision is not None:
        drawn["precision_reached"] = done.measure.within(var.precision.relative)
    measure, notes = done.measure, notes_of(var, done.measure, done.simulations)
    if (rare := rarely_drawn(var, factors, done.simulations)) is not None:
        measure = measure.without_shortfall_error()
        notes.append(of_rare_prices(rare))
    notes += [*notes_of_terms(var), *notes_of_yields(var, book, factors)]
    assumed, lines = assumed_of_terms(var), lines_of(var, book)
    return Answer(measure, parts, "nearest", drawn, notes, assumed, lines, done.distribution)
