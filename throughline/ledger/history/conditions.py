"""A query's filters as conditions on the table's columns: the same that `TaskQuery.matches` decides for one task."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import ColumnElement, false, tuple_

from throughline.ledger.history.schema import tasks
from throughline.ledger.history.text import storable
from throughline.ledger.states import FINAL
from throughline.ledger.task_query import TaskQuery

Condition = ColumnElement[bool]
EQUAL: Final = ("correlation_id", "task_type", "queue", "worker", "error_type")


def filters(query: TaskQuery) -> Iterator[Condition]:
    """All but the place at which the page begins."""
    for name in EQUAL:
        if wanted := getattr(query, name):
            yield tasks.c[name] == storable(wanted)
    if query.caller is not None:
        yield of_caller(query.caller)
    if query.statuses and not set(FINAL) <= set(query.statuses):
        ended = [str(status) for status in query.statuses if status.is_final]
        yield tasks.c.status.in_(ended) if ended else false()
    if query.slower_than_ms is not None:
        yield tasks.c.total_ms > query.slower_than_ms
    yield from times(query)


def of_caller(name: str) -> Condition:
    """Empty for tasks that came without one."""
    caller = storable(name)
    return tasks.c.caller == caller if caller else tasks.c.caller.is_(None)


def times(query: TaskQuery) -> Iterator[Condition]:
    if query.submitted_after is not None:
        yield tasks.c.submitted_at >= query.submitted_after
    if query.submitted_before is not None:
        yield tasks.c.submitted_at < query.submitted_before


def beyond(query: TaskQuery) -> Iterator[Condition]:
    """What comes after the last task of the page before."""
    if query.after is None:
        return
    at, task_id = query.after
    here, there = tuple_(tasks.c.submitted_at, tasks.c.task_id), tuple_(at, storable(task_id))
    # The time alone as well: the indices end with it.
    yield tasks.c.submitted_at <= at if query.newest_first else tasks.c.submitted_at >= at
    yield here < there if query.newest_first else here > there
