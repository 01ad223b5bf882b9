"""Losses of a portfolio in random scenarios, chunk by chunk."""

from collections.abc import Callable

from risk.quant.portfolio import Portfolio
from risk.quant.stopwatch import Stopwatch
from risk.quant.streams import Array, chunk_rows, stream

Losses = Callable[[int, int], Array]  # (number of the chunk, scenarios) → losses, or (2, …) with their weights


def normal_losses(portfolio: Portfolio, seed: int, watch: Stopwatch) -> tuple[Losses, int]:
    """The drawing function and its rows a chunk.

    A sum of jointly normal gains is itself normal: one draw a scenario is exact, whatever the number of positions.
    """
    mean, deviation = portfolio.mean_gain, portfolio.gain_deviation

    def draw(chunk: int, rows: int) -> Array:
        watch.start()
        losses: Array = stream(seed, chunk).standard_normal(rows)
        watch.lap("draw")
        losses *= deviation
        if mean:
            losses -= mean
        watch.lap("reprice")
        return losses

    return draw, chunk_rows(1)


def summed(gains: Losses) -> Losses:
    """The portfolio's loss in each scenario."""

    def draw(chunk: int, rows: int) -> Array:
        losses: Array = -gains(chunk, rows).sum(axis=1)
        return losses

    return draw
