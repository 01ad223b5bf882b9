"""A page of a list: a bounded number of tasks in the order of their submission, from a place on.

An index has this order only among tasks with the same values in its columns. For each combination of values that a
query allows (two statuses, every class of duration above a limit) the page's length is taken from it, and of all these
the first. So a page costs the same whether many tasks fit or none, and however many there are.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any, Final

from sqlalchemy import Connection, Select, column, select, true, union_all, values

from throughline.ledger.history import access
from throughline.ledger.history.conditions import beyond, times
from throughline.ledger.history.schema import tasks
from throughline.ledger.states import FINAL
from throughline.ledger.task_query import TaskQuery

Combination = tuple[Any, ...]
_FEW: Final = 6  # combinations: PostgreSQL knows how frequent each is only if it is written in the statement


def page(connection: Connection, query: TaskQuery) -> Sequence[int]:
    """The numbers of the page's tasks, in its order."""
    wanted = {"status": tuple(map(str, FINAL))} | access.values(query)
    path = access.best_path(connection, query)
    dialect = connection.dialect.name
    conditions = [*access.beside(path, query, dialect), *times(query), *beyond(query)]
    conditions += [tasks.c[name] == wanted[name][0] for name in path if len(wanted[name]) == 1]
    varied = [name for name in path if len(wanted[name]) != 1]
    one = _first(select(tasks.c.id, tasks.c.submitted_at, tasks.c.task_id).where(*conditions), query, tasks.c)
    combinations = list(product(*(wanted[name] for name in varied)))
    if not combinations:
        return []
    if len(combinations) == 1:
        return connection.execute(one).scalars().all()
    if len(combinations) <= _FEW:
        return connection.execute(_each(one, varied, combinations, query)).scalars().all()
    return connection.execute(_each_by_table(one, varied, combinations, query, dialect)).scalars().all()


def _each(one: Select[Any], varied: list[str], combinations: list[Combination], query: TaskQuery) -> Select[Any]:
    """The first of `one` with each combination, as a statement with a part for each."""
    parts = (
        one.where(*(tasks.c[name] == value for name, value in zip(varied, combination, strict=True)))
        for combination in combinations
    )
    found = union_all(*(select(part.subquery()) for part in parts)).subquery()
    return _first(select(found.c.id), query, found.c)


def _each_by_table(
    one: Select[Any], varied: list[str], combinations: list[Combination], query: TaskQuery, dialect: str
) -> Select[Any]:
    """The same with a table of combinations: a statement with a hundred parts takes longer to plan than to run."""
    each = values(*(column(name, tasks.c[name].type) for name in varied)).data(combinations).cte("combinations")
    run = one.where(*(tasks.c[name] == each.c[name] for name in varied))
    if dialect == "postgresql":
        found = run.lateral("found")
        return _first(select(found.c.id).select_from(each.join(found, true())), query, found.c)
    # SQLite has no LATERAL; it makes a list that depends on the other table once for each of its rows.
    listed = tasks.alias("found")
    among = listed.c.id.in_(run.with_only_columns(tasks.c.id).correlate(each))
    return _first(select(listed.c.id).select_from(each.join(listed, among)), query, listed.c)


def _first(statement: Select[Any], query: TaskQuery, columns: Any) -> Select[Any]:
    order = (columns.submitted_at, columns.task_id)
    return statement.order_by(*(each.desc() if query.newest_first else each for each in order)).limit(query.limit)
