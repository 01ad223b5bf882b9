"""Correlations and covariances as a client may send them, and the one place that turns them into full rows.

Entries are trusted to one part in a million of their scale: what `numpy.corrcoef` or `diag(s) @ C @ diag(s)` leaves in
the last digits, in single precision too, is mended here; what is further off is a mistake, and is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest
from math import sqrt
from operator import mul, sub
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from risk.strict import MAX_CORRELATED, Matrix

FORMS: Final = "n × n rows, the lower triangle as rows of 1, 2, … n, or that triangle packed row by row in one list"
NEAREST_ASKED: Final = "For correlations that no returns can have: the nearest that some can have take their place."
_ROUNDING: Final = 1e-6  # of an entry's scale: single precision leaves 1e-7
_STRICT: Final = ConfigDict(strict=True)
_Entry = Annotated[float, Field(allow_inf_nan=False, ge=-1e12, le=1e12)]
_ROWS: Final = TypeAdapter(list[list[_Entry]], config=_STRICT)
_PACKED: Final = TypeAdapter(list[_Entry], config=_STRICT)
_NUMBERS: Final = {"type": "array", "items": {"type": "number"}}


@dataclass(frozen=True)
class _MatrixOf:
    """Reads a matrix that has a row for each member of the model's field `of`, which is declared before it.

    Or for each distinct symbol, or what a member's `risk` is instead: positions of one are one risk.
    """

    of: str
    name: str
    checked: Callable[[Matrix, str], Matrix]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_before_validator_function(self._read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        # One list of two kinds of items, not two kinds of lists: generators of clients tell these apart by their class.
        return {"type": "array", "items": {"anyOf": [_NUMBERS, {"type": "number"}]}}

    def _read(self, sent: Any, info: ValidationInfo) -> Any:
        members = info.data.get(self.of)
        if members is None:
            return []  # the members are wrong themselves, which is told already
        each = self.of.removesuffix("s")
        sizes = {len(members): each}
        if hasattr(members[0], "symbol"):
            sizes.setdefault(len({getattr(member, "risk", member.symbol) for member in members}), "symbol")
        return self.checked(full_rows(sent, sizes, self.name), each)


def correlations_of(members: str) -> _MatrixOf:
    """`Annotated[Matrix, correlations_of("positions")]`: with ones on the diagonal."""
    return _MatrixOf(members, "correlations", correlations_checked)


def covariance_of(members: str) -> _MatrixOf:
    return _MatrixOf(members, "covariance", covariance_checked)


def nearest_has_correlations(asked: bool, correlations: Matrix | None) -> None:
    if asked and correlations is None:
        raise ValueError("nearest_correlations goes with correlations, and there are none")


def full_rows(sent: Any, sizes: dict[int, str], name: str) -> Matrix:
    """The matrix that was sent in one of `FORMS`, of one of the sizes, by what each row is for; raises for any other.

    Nothing is mended yet.
    """
    smallest = min(sizes)
    if smallest > MAX_CORRELATED:
        most = f"{MAX_CORRELATED} × {MAX_CORRELATED}"
        raise ValueError(f"{name} can be at most {most}; there are {smallest:,} {sizes[smallest]}s")
    allowed = [size for size in sizes if size <= MAX_CORRELATED]
    if isinstance(sent, list) and sent and not isinstance(sent[0], list):
        packed = _PACKED.validate_python(sent)
        for size in allowed:
            if len(packed) == _packed_length(size):
                return _mirrored([packed[_packed_length(i) : _packed_length(i + 1)] for i in range(size)])
        raise ValueError(f"{_lengths(name, sizes)}; this is one list of {len(packed):,}")
    rows = _ROWS.validate_python(sent)
    lengths = list(map(len, rows))
    for size in allowed:
        if lengths == [size] * size:
            return rows
        if lengths == list(range(1, size + 1)):
            return _mirrored(rows)
    wrong = next((i for i, length in enumerate(lengths) if length != len(rows)), 0)
    seen = f"these are {len(rows):,} rows" + (f", and row {wrong} holds {lengths[wrong]:,}" if rows else "")
    raise ValueError(f"{_lengths(name, sizes)}; {seen}")


def _packed_length(size: int) -> int:
    return size * (size + 1) // 2


def _lengths(name: str, sizes: dict[int, str]) -> str:
    squares = " or ".join(f"{n} × {n}, a row and a column for each {each}" for n, each in sizes.items())
    packed = " or ".join(f"{_packed_length(n):,}" for n in sizes)
    return (
        f"{name} must be {squares}; or its lower triangle, as rows of 1, 2, … numbers or packed in one list of {packed}"
    )


def _mirrored(triangle: Matrix) -> Matrix:
    columns = zip_longest(*triangle)  # column i: what row i lacks stands below its diagonal
    return [[*row, *column[i + 1 :]] for i, (row, column) in enumerate(zip(triangle, columns, strict=True))]


def correlations_checked(rows: Matrix, each: str = "position") -> Matrix:
    """Symmetric, with ones on the diagonal and nothing outside of -1 … 1; raises for what is no rounding."""
    for i, row in enumerate(rows):
        if abs(row[i] - 1) > _ROUNDING:
            raise ValueError(f"correlations[{i}][{i}] must be 1, not {row[i]:.9g}: a {each} moves with itself")
    alike = _symmetric(rows, [1.0] * len(rows), "correlations")
    return [_within_one(i, row) for i, row in enumerate(alike)]


def _within_one(i: int, row: list[float]) -> list[float]:
    most, least = max(row), min(row)
    if most > 1 + _ROUNDING or least < -1 - _ROUNDING:
        j = row.index(most if most > -least else least)
        raise ValueError(f"correlations[{i}][{j}] is {row[j]:.9g}, outside of -1 … 1")
    if most > 1 or least < -1:
        row = [min(1.0, max(-1.0, value)) for value in row]
    return row if row[i] == 1 else [*row[:i], 1.0, *row[i + 1 :]]


def covariance_checked(rows: Matrix, each: str = "position") -> Matrix:
    """Symmetric, each variance above 0, no covariance beyond its two deviations' product; raises as the other does."""
    for i, row in enumerate(rows):
        if row[i] <= 0:
            raise ValueError(f"covariance[{i}][{i}] must be above 0, not {row[i]:.9g}: it is a variance")
    deviations = [sqrt(row[i]) for i, row in enumerate(rows)]
    inverses = [1 / deviation for deviation in deviations]
    alike = _symmetric(rows, inverses, "covariance")
    for i, row in enumerate(alike):
        scaled = list(map(mul, row[:i], inverses))
        most = deviations[i] * (1 + _ROUNDING)
        if scaled and (max(scaled) > most or min(scaled) < -most):
            j = max(range(i), key=lambda at: abs(scaled[at]))
            raise ValueError(
                f"covariance[{i}][{j}] is {row[j]:.9g}, more than the variances {row[i]:.9g} and {alike[j][j]:.9g} "
                f"allow: at most {deviations[i] * deviations[j]:.9g}, at a correlation of 1"
            )
    return alike


def _symmetric(rows: Matrix, inverses: list[float], name: str) -> Matrix:
    """Each entry and its mirror image become their mean; raises where they differ by more than rounding.

    `inverses`: of the deviations, which are the scale of an entry. In slices and maps: a loop over the entries of 500
    rows would hold the api up for twice as long.
    """
    columns = [list(column) for column in zip(*rows, strict=True)]
    if columns == rows:
        return rows
    triangle = []
    for i, (row, column) in enumerate(zip(rows, columns, strict=True)):
        below, across = row[:i], column[:i]
        if below != across:
            gaps = list(map(sub, below, across))
            sizes = list(map(abs, map(mul, gaps, inverses)))
            if max(sizes) * inverses[i] > _ROUNDING:
                j = sizes.index(max(sizes))
                raise ValueError(
                    f"{name} must be symmetric: row {i}, column {j} holds {row[j]:.9g}, "
                    f"and row {j}, column {i} holds {column[j]:.9g}"
                )
            below = [value - gap / 2 for value, gap in zip(below, gaps, strict=True)]
        triangle.append([*below, row[i]])
    return _mirrored(triangle)
