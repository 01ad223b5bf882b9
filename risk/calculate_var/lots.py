"""Positions of one symbol are one risk: which positions are lots of it, what they must agree on, and the whole.

Several lots are merged before anything is drawn or measured, so that two lots of 100 risk what one of 200 does.
"""

from collections.abc import Sequence
from math import fsum
from typing import TYPE_CHECKING, Any, Final

from risk.strict import Matrix

if TYPE_CHECKING:
    from risk.calculate_var.model import CalculateVarData, Portfolio, Position

_ROUNDING: Final = 1e-6  # of an entry's scale, as in any matrix
_NETTED: Final = 1e-12  # of the lots' size: what rounding leaves of lots that cancel


def numbered(symbols: Sequence[str]) -> list[int]:
    """For each position the number of its symbol, in order of first appearance."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(symbol, len(numbers)) for symbol in symbols]


def first_lots(symbols: Sequence[str]) -> list[int]:
    """The index of each symbol's first position: where its row of a table by positions is."""
    first: dict[str, int] = {}
    for i, symbol in enumerate(symbols):
        first.setdefault(symbol, i)
    return list(first.values())


def lots_agree(positions: "Sequence[Position]") -> None:
    """Raises where two positions of one symbol say different volatilities or drifts; what one says holds for all."""
    for name in ("volatility", "drift"):
        said: dict[str, int] = {}
        for i, position in enumerate(positions):
            value = getattr(position, name)
            if name not in position.model_fields_set or value is None:
                continue
            before = said.setdefault(position.risk, i)
            if getattr(positions[before], name) != value:
                raise ValueError(
                    f"positions[{i}].{name} is {value:g} and positions[{before}].{name} "
                    f"{getattr(positions[before], name):g}: both are lots of {position.risk!r}, which has one {name}"
                )


def rows_agree(rows: Matrix, symbols: Sequence[str], name: str) -> None:
    """Raises where a matrix by positions tells two lots of one symbol apart."""
    for i, first in _later_lots(symbols):
        scale = max(map(abs, rows[first]))
        if all(abs(a - b) <= _ROUNDING * scale for a, b in zip(rows[i], rows[first], strict=True)):
            continue
        lots = f"positions {first} and {i} are both lots of {symbols[i]!r}"
        if abs(rows[first][i] - rows[first][first]) > _ROUNDING * scale:
            must = f"it must be {rows[first][first]:g}"
            raise ValueError(f"{name}[{first}][{i}] is {rows[first][i]:g}, but {lots}, so {must}")
        raise ValueError(f"{name}[{first}] and {name}[{i}] differ, but {lots}: their rows must be the same")


def columns_agree(rows: Matrix, symbols: Sequence[str], name: str) -> None:
    """Raises where observed returns by positions tell two lots of one symbol apart."""
    for i, first in _later_lots(symbols):
        for at, row in enumerate(rows):
            if row[i] != row[first]:
                raise ValueError(
                    f"{name}[{at}][{first}] and {name}[{at}][{i}] differ, but positions {first} and {i} are both "
                    f"lots of {symbols[i]!r}: their returns must be the same"
                )


def merged(var: "CalculateVarData") -> "CalculateVarData":
    """The same task with one position for each symbol, worth what its lots are together; itself when none has two
    or options and bonds are in it, which are priced one by one.

    Lots may have different prices: the value is the sum of theirs.
    """
    data = var.portfolio_data
    symbols = [position.risk for position in data.positions]
    first = first_lots(symbols)
    if len(first) == len(symbols) or data.repriced:
        return var
    lots: list[list[Position]] = [[] for _ in first]
    for position, number in zip(data.positions, numbered(symbols), strict=True):
        lots[number].append(position)
    update: dict[str, Any] = {"positions": [_whole(of_one) for of_one in lots]} | tables_by_symbol(data, first)
    return var.model_copy(update={"portfolio_data": data.model_copy(update=update)})


def _whole(lots: "list[Position]") -> "Position":
    if len(lots) == 1:
        return lots[0]
    price = lots[0].price
    if all(lot.price == price for lot in lots):
        sizes = [lot.quantity for lot in lots]
    else:
        sizes = [lot.quantity * lot.price / price for lot in lots]
    net = fsum(sizes)
    update: dict[str, Any] = {"quantity": net if abs(net) > _NETTED * fsum(map(abs, sizes)) else 0.0}
    for name in ("volatility", "drift"):
        said = [getattr(lot, name) for lot in lots if name in lot.model_fields_set and getattr(lot, name) is not None]
        update |= {name: said[0]} if said else {}
    return lots[0].model_copy(update=update)


def tables_by_symbol(data: "Portfolio", first: list[int]) -> dict[str, Matrix]:
    """What was sent by positions, by symbols; a table that is by symbols already stays."""
    tables: dict[str, Matrix] = {}
    for name in ("correlations", "covariance"):
        rows = getattr(data, name)
        if rows is not None and len(rows) == len(data.positions):
            tables[name] = [[rows[i][j] for j in first] for i in first]
    if data.returns is not None and len(data.returns[0]) == len(data.positions):
        tables["returns"] = [[row[i] for i in first] for row in data.returns]
    return tables


def _later_lots(symbols: Sequence[str]) -> list[tuple[int, int]]:
    """Each position that is not its symbol's first, with the index of that first."""
    first = first_lots(symbols)
    return [(i, first[number]) for i, number in enumerate(numbered(symbols)) if first[number] != i]
