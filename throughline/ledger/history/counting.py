"""How many tasks there were over time, by status: the bars of a histogram."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Double, Integer, Text, cast, column, func, select, true, values

from throughline.ledger.history.conditions import filters
from throughline.ledger.history.schema import tasks
from throughline.ledger.states import FINAL, Status
from throughline.ledger.task_query import TaskQuery


@dataclass(frozen=True)
class Bar:
    """How many tasks of each status were submitted from this moment to the next bar's. Seconds since 1970."""

    start: float
    counts: Mapping[Status, int]


def counts(connection: Connection, query: TaskQuery, since: float, until: float, bars: int) -> list[Bar]:
    """A bar for each part of the time from `since` to `until`, empty ones too."""
    starts = [since + number * (until - since) / bars for number in range(bars)] + [until]
    # Statuses, types and callers have an index in which the times of each are in order: no row is looked at.
    others = replace(query, statuses=(), task_type="", caller=None, submitted_after=None, submitted_before=None)
    found = (_by_row if list(filters(others)) else _by_index)(connection, query, starts)
    counted: list[dict[Status, int]] = [{} for _ in range(bars)]
    for number, status, count in found:
        if count:
            bar = counted[min(number, bars - 1)]  # rounding may lead one beyond the last bar
            bar[Status(status)] = bar.get(Status(status), 0) + count
    return [Bar(start, each) for start, each in zip(starts, counted, strict=False)]


def _by_index(connection: Connection, query: TaskQuery, starts: list[float]) -> Iterable[Any]:
    """A count for each bar and status: a quarter of the time of grouping rows."""
    parts = values(column("number", Integer), column("start", Double), column("until", Double)).data(
        [(number, start, starts[number + 1]) for number, start in enumerate(starts[:-1])]
    )
    bar = parts.cte("bars")
    status = values(column("status", Text)).data([(str(each),) for each in FINAL]).cte("statuses")
    within = [
        tasks.c.status == status.c.status,
        tasks.c.submitted_at >= bar.c.start,
        tasks.c.submitted_at < bar.c.until,
    ]
    count = select(func.count()).select_from(tasks).where(*within, *filters(query)).correlate(bar, status)
    statement = select(bar.c.number, status.c.status, count.scalar_subquery()).select_from(bar.join(status, true()))
    return connection.execute(statement)


def _by_row(connection: Connection, query: TaskQuery, starts: list[float]) -> Iterable[Any]:
    since, until = starts[0], starts[-1]
    which = _whole(connection, (tasks.c.submitted_at - since) / (until - since) * (len(starts) - 1)).label("bar")
    statement = (
        select(which, tasks.c.status, func.count())
        .where(tasks.c.submitted_at >= since, tasks.c.submitted_at < until, *filters(query))
        .group_by(which, tasks.c.status)
    )
    return connection.execute(statement)


def _whole(connection: Connection, number: ColumnElement[Any]) -> ColumnElement[int]:
    """SQLite cuts off where PostgreSQL would round."""
    return cast(number if connection.dialect.name == "sqlite" else func.floor(number), Integer)
