"""Which index answers a query: the one in which the fewest tasks have the values that it asks for."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, literal, select

from throughline.ledger.history import conditions
from throughline.ledger.history.duration_class import LONGEST, duration_class
from throughline.ledger.history.schema import tasks
from throughline.ledger.history.text import storable
from throughline.ledger.states import FINAL
from throughline.ledger.task_query import TaskQuery

Path = tuple[str, ...]  # the columns before `submitted_at` in an index; each must have one value

# The indices, what is usually rarer first. Those of the second half have the caller's name before all others.
PATHS: Final[Sequence[Path]] = (
    ("correlation_id",),
    ("error_type",),
    ("task_type", "duration_class"),
    ("duration_class",),
    ("task_type", "status"),
    ("worker",),
    ("queue",),
    ("status",),
    ("caller", "correlation_id"),
    ("error_type", "caller"),
    ("caller", "duration_class"),
    ("caller", "task_type", "status"),
    ("caller", "worker"),
    ("caller", "queue"),
    ("caller", "status"),
    ("caller",),
    (),
)
_ENOUGH: Final = 10_000  # an index in which that many tasks fit is not better than another one with more


def values(query: TaskQuery) -> dict[str, tuple[Any, ...]]:
    """The values that each column may have, for the columns that the query restricts to a list of them."""
    wanted: dict[str, tuple[Any, ...]] = {
        name: (storable(value),) for name in conditions.EQUAL if (value := getattr(query, name))
    }
    if query.caller:
        wanted["caller"] = (storable(query.caller),)
    if query.statuses and not set(FINAL) <= set(query.statuses):
        wanted["status"] = tuple(str(status) for status in FINAL if status in query.statuses)
    if query.slower_than_ms is not None:
        wanted["duration_class"] = tuple(range(duration_class(query.slower_than_ms), LONGEST + 1))
    return wanted


def best_path(connection: Connection, query: TaskQuery) -> Path:
    found = list(candidates(query))
    if len(found) == 1:
        return found[0]
    return min(found, key=lambda path: _tasks_in(connection, query, path))


def candidates(query: TaskQuery) -> Iterator[Path]:
    """The indices that the query can use, without those that another one is better than for certain."""
    wanted = values(query)
    usable = [path for path in PATHS if _needed(path) <= wanted.keys()]
    for path in usable:
        if not any(set(path) & wanted.keys() < set(other) & wanted.keys() for other in usable):
            yield path


def _needed(path: Path) -> set[str]:
    """Tasks of a type can be looked for in one status after the other, if none is asked for."""
    return set(path) - {"status"} if "task_type" in path else set(path)


def _tasks_in(connection: Connection, query: TaskQuery, path: Path) -> int:
    fit: Select[Any] = select(literal(1)).select_from(tasks)
    for name, allowed in values(query).items():
        if name in path:
            column = tasks.c[name]
            fit = fit.where(column >= allowed[0] if name == "duration_class" else column.in_(allowed))
    if "duration_class" not in path:  # in its index, the times are in order within each class only
        fit = fit.where(*conditions.times(query))
    return connection.scalar(select(func.count()).select_from(fit.limit(_ENOUGH).subquery())) or 0


def beside(path: Path, query: TaskQuery, dialect: str) -> Iterator[ColumnElement[bool]]:
    """The filters that the index does not decide. SQLite must not take another index for one of them."""
    for name, allowed in values(query).items():
        if name in path or name == "duration_class":
            continue
        column = tasks.c[name].concat("") if dialect == "sqlite" else tasks.c[name]
        yield column == allowed[0] if len(allowed) == 1 else column.in_(allowed)
    if query.slower_than_ms is not None:
        yield tasks.c.total_ms > query.slower_than_ms
    if query.caller == "":
        yield tasks.c.caller.is_(None)
