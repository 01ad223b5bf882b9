"""`calculate_var` from returns that were observed."""

from dataclasses import replace
from typing import Any

import numpy as np

from risk.calculate_var.book import book_of
from risk.calculate_var.filtered import assumed_of, filtered
from risk.calculate_var.lots import numbered
from risk.calculate_var.model import CalculateVarData
from risk.calculate_var.repriced_told import assumed_of_terms, lines_of, notes_of_terms
from risk.calculate_var.told import Answer, values_of
from risk.defaults import seed_from
from risk.errors import NotCalculable
from risk.observed import checkpoint_of
from risk.quant import contributions, loss_distribution, observed_gains
from risk.quant.loss_measure import LossMeasure, measure_losses
from risk.quant.repricing import Book
from risk.quant.resampled_history import (
    Blocks,
    History,
    blocks_for,
    enough_beyond,
    independent_beyond,
    measure_history,
    without_error,
)
from risk.quant.streams import Array
from throughline import Run


def from_history(var: CalculateVarData, run: Run) -> Answer:
    values, history = values_of(var), filtered(var, run)
    returns = history.returns
    book = book_of(var) if var.portfolio_data.repriced else None
    gains, floored = _gains(var, values, returns, book)
    whole = gains.sum(axis=1)
    if not np.isfinite(whole).all():
        raise NotCalculable(
            f"data.{var.portfolio_data.at}returns: over the horizon they compound to gains that no number can hold; "
            "a return of 1 % is 0.01"
        )
    blocks = None
    if book is not None and _unresampled(var):
        measure = without_error(measure_losses(-whole, var.confidence_level))
    else:
        daily = returns @ values if _window(var) > 1 else whole
        measure, blocks = _measured(var, values, whole, daily, run)
        measure = history.with_error(measure, daily)
    with run.phase("contributions"):
        parts = contributions.of_history(gains, measure.value_at_risk, values)
    more = {"observations": len(gains), "independent_observations": len(returns) // _window(var)}
    notes = [*_notes(var, measure, blocks, floored), *history.notes]
    answer = Answer(
        measure,
        parts,
        "nearest",
        more | history.told,
        notes,
        _assumed(var, measure, blocks),
        distribution=loss_distribution.of_losses(-whole, measure),
    )
    return answer if book is None else _with_terms(answer, var, book)


def _with_terms(answer: Answer, var: CalculateVarData, book: Book) -> Answer:
    notes, taken = [*answer.notes, *notes_of_terms(var)], answer.assumed | assumed_of_terms(var)
    return replace(answer, notes=notes, assumed=taken, lines=lines_of(var, book))


def _unresampled(var: CalculateVarData) -> bool:
    """Whether the resampled days of a portfolio with options do not give its gains over the horizon."""
    return _window(var) > 1 or var.volatility_filter is not None


def _gains(var: CalculateVarData, values: Array, returns: Array, book: Book | None) -> tuple[Array, int]:
    """Gains (periods, n) over the horizon, and how many returns were taken as a loss of the whole price."""
    held = values if book is None else np.ones(returns.shape[1])
    if var.horizon_scaling == "overlapping":
        gains, floored = observed_gains.compounded(held, returns, var.time_horizon), 0
    else:
        gains, floored = observed_gains.scaled(held, returns, var.time_horizon)
    if book is None:
        return gains, floored
    names = [position.risk for position in var.portfolio_data.positions]
    by_position = returns.shape[1] == len(names)
    return book.gains(gains if by_position else gains[:, numbered(names)]), floored


def _window(var: CalculateVarData) -> int:
    """Days that one observation spans."""
    return var.time_horizon if var.horizon_scaling == "overlapping" else 1


def _measured(var: CalculateVarData, values: Array, whole: Array, daily: Array, run: Run) -> tuple[LossMeasure, Blocks]:
    net, gross, window = float(values.sum()), float(np.abs(values).sum()), _window(var)

    def windows(days: Array) -> Array:
        return days if window == 1 else observed_gains.of_portfolio(days, net, gross, window)

    blocks = blocks_for(daily)
    seed = var.seed if var.seed is not None else seed_from(var)
    with run.phase("resample", resamples=blocks.resamples):
        history = History(whole, daily, windows, window)
        measure = measure_history(history, var.confidence_level, blocks, seed, checkpoint_of(run))
    return measure, blocks


def _notes(var: CalculateVarData, measure: LossMeasure, blocks: Blocks | None, floored: int) -> list[str]:
    notes = _of_unused(var)
    if blocks is None:
        notes.append(
            "No error can be stated of options that are repriced over windows of several days or from filtered "
            "returns: neither is resampled."
        )
    elif measure.confidence_interval is not None and blocks.clustered and var.volatility_filter is None:
        notes.append(
            "Large and small moves come in clusters here. In histories with such clusters these intervals held the "
            "truth in 87 to 96 of 100 cases."
        )
    if blocks is not None and measure.confidence_interval is None:
        notes.append(
            f"No error can be stated: {_too_little(var)}. More days, a lower confidence_level or a shorter "
            "time_horizon help."
        )
    if floored:
        notes.append(
            f"√days made {floored:,} returns a loss of more than the whole price; they count as all of it. "
            'horizon_scaling "overlapping" compounds the days instead.'
        )
    return notes


def _of_unused(var: CalculateVarData) -> list[str]:
    data = var.portfolio_data
    unused = [name for name in ("volatility", "drift") if any(getattr(p, name) for p in data.positions)]
    unused += [name for name in ("correlations", "covariance") if getattr(data, name) is not None]
    if not unused:
        return []
    return [f"Observed returns alone say how the positions move; not used: {', '.join(unused)}."]


def _too_little(var: CalculateVarData) -> str:
    days, window = len(var.portfolio_data.returns or []), _window(var)
    beyond = independent_beyond(days, window, var.confidence_level)
    if not enough_beyond(beyond):
        overlap = f" of {window} days that do not overlap" if window > 1 else ""
        return f"{days // window:,} observations{overlap}, with {beyond:.3g} beyond the value at risk, are too few"
    return "too few different losses lie beyond the value at risk"


def _assumed(var: CalculateVarData, measure: LossMeasure, blocks: Blocks | None) -> dict[str, Any]:
    taken = assumed_of(var)
    if blocks is None or measure.confidence_interval is None:
        return taken
    derived = "" if var.seed is not None else ", seed derived from the data"
    return taken | {
        "interval": f"block bootstrap: {blocks.resamples:,} histories of blocks of {blocks.days} days{derived}"
    }
