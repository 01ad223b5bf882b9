"""What observed returns look like, and what is sent in their place by mistake: prices, percentages, gross returns.

A figure from prices taken as returns is a number like any other, so they are refused, column by column, by their middle
value. Nothing is refused that an asset can plausibly have returned: 20 % a day, the loss of half its worth on one of
them, zeros while nobody trades it. Percentages of the quietest assets, 0.1 for a tenth of a percent, pass as returns.
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from risk.strict import MAX_CELLS, Matrix

MOST: Final = 100.0  # in one period: the best year of any widely traded asset was below
_TYPICAL_OF_DAYS: Final = 0.3
_TYPICAL_OF_MONTHS: Final = 1.0  # or longer periods
_MONTHS: Final = 12  # a year
_LEVEL: Final = 0.5  # the middle of values none of which is below 0: no asset gains half of its worth each time
_SMOOTH_LEVEL: Final = 0.05  # the same where each value is nearly the one before, as prices are and returns are not
_SMOOTH: Final = 0.05
_ENOUGH: Final = 10  # values other than 0: the middle of fewer says nothing

_CHANGES: Final = "send the change from each price to the next, p[t] / p[t − 1] − 1"


def returns_fit(rows: Matrix, symbols: Sequence[str], each: str, periods_a_year: float = 252) -> None:
    """Raises for a table without a column for each symbol, and for one that holds something else than returns."""
    size = len(symbols)
    if len(rows) * size > MAX_CELLS:
        raise ValueError(f"returns can hold at most {MAX_CELLS:,} values, not {len(rows):,} × {size:,}")
    for i, row in enumerate(rows):
        if len(row) != size:
            raise ValueError(f"returns[{i}] must hold {size} returns, one for each {each}; it holds {len(row)}")
    typical = _TYPICAL_OF_DAYS if periods_a_year > _MONTHS else _TYPICAL_OF_MONTHS
    for j, column in enumerate(zip(*rows, strict=True)):
        least, most = min(column), max(column)
        within = typical if least <= 0 <= most else _SMOOTH_LEVEL
        if least >= -within and most <= within:
            continue  # as nearly all columns are: the middle cannot be beyond
        seen = _something_else(column, typical)
        if seen:
            raise ValueError(f"returns[*][{j}] ({symbols[j]}): {seen}")
        if least < -1:
            place = f"returns[{column.index(least)}][{j}] ({symbols[j]})"
            raise ValueError(f"{place} is {least:.6g}: a price cannot lose more than all; 0.01 is 1 %")
        if most > MOST:
            place = f"returns[{column.index(most)}][{j}] ({symbols[j]})"
            raise ValueError(
                f"{place} is {most:.6g}: a price cannot gain more than {MOST:g} times itself in one period"
            )


def _something_else(column: Sequence[float], typical: float) -> str | None:
    """What the column seems to hold in place of returns, and what to do about it."""
    moved = [abs(value) for value in column if value]
    if len(moved) < _ENOUGH:
        return None
    if min(column) > 0 or max(column) < 0:
        return _level(column, median(column))
    middle = median(moved)
    if middle <= typical:
        return None
    told = f"the middle value is {middle:.3g} but for its sign, which looks like"
    if middle >= 20:
        return f"{told} basis points, or changes of a price in currency: divide by 10,000, or by the price before"
    return f"{told} percentages, or changes of a price in currency: divide by 100, or by the price before"


def _level(column: Sequence[float], middle: float) -> str | None:
    """Values that are all above 0, or all below as logarithms of small prices are."""
    size = abs(middle)
    steps = median(abs(after - before) for before, after in pairwise(column))
    if size <= _LEVEL and not (size > _SMOOTH_LEVEL and 0 < steps < _SMOOTH * size):
        return None
    side = "above" if middle > 0 else "below"
    told = f"all values are {side} 0 and the middle one is {middle:.6g}, which looks like"
    if 0.8 < middle < 1.25:
        return f"{told} gross returns (subtract 1) or prices ({_CHANGES})"
    return f"{told} prices or their logarithms ({_CHANGES})"
