"""Reads from the history: chosen tasks, dead letters, errors in groups."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, null, select

from throughline.ledger.history import packing
from throughline.ledger.history.conditions import of_caller
from throughline.ledger.history.schema import bodies, tasks
from throughline.ledger.history.text import storable
from throughline.ledger.stored_task import StoredTask, needs_result


@dataclass(frozen=True)
class ErrorGroup:
    """Failures with the same class of exception and the same shape of its message. Times: when they ended."""

    error_type: str
    shape: str
    count: int
    first: float
    last: float
    task_id: str  # the latest of them
    correlation_id: str


@dataclass(frozen=True)
class DeadLetter:
    """A task that used up its deliveries or retries, with its error."""

    task_id: str
    error_type: str
    shape: str


def find(
    connection: Connection, task_ids: Iterable[str], *, messages: bool, caller: str | None
) -> dict[str, StoredTask]:
    wanted = {storable(task_id): task_id for task_id in task_ids}
    theirs = [] if caller is None else [of_caller(caller)]
    numbers = connection.execute(select(tasks.c.id).where(tasks.c.task_id.in_(wanted), *theirs)).scalars().all()
    found = by_number(connection, numbers, messages=messages)
    return {task.task_id: task for task in found if task.task_id in wanted.values()}


def by_number(connection: Connection, numbers: Sequence[int], *, messages: bool = False) -> list[StoredTask]:
    """The tasks of these numbers, in their order."""
    message = bodies.c.message if messages else null().label("message")  # may be large
    statement = select(bodies.c.id, bodies.c.record, bodies.c.result, message).where(bodies.c.id.in_(numbers))
    found = {
        row.id: packing.unpacked_task(row.record, row.result, row.message) for row in connection.execute(statement)
    }
    return [found[number] for number in numbers if number in found]


def for_list(connection: Connection, numbers: Sequence[int]) -> list[StoredTask]:
    """The same without large results: a page of a list may have 500 tasks, and each result 1 MB."""
    small = case((func.length(bodies.c.result) <= packing.LARGEST_PLAIN, bodies.c.result)).label("result")
    statement = select(bodies.c.id, bodies.c.record, small).where(bodies.c.id.in_(numbers))
    found = {
        row.id: packing.unpacked_task(row.record, packing.if_plain(row.result), None)
        for row in connection.execute(statement)
    }
    asked = [number for number, task in found.items() if not task.result and needs_result(task.fields)]
    whole = select(bodies.c.id, bodies.c.result).where(bodies.c.id.in_(asked))
    for row in connection.execute(whole) if asked else ():
        found[row.id] = replace(found[row.id], result=packing.unpacked(row.result))
    return [found[number] for number in numbers if number in found]


def dead_letters(connection: Connection, most: int) -> list[StoredTask]:
    """Latest first."""
    dead = tasks.c.dead_letter
    statement = select(tasks.c.id).where(dead.is_not(None)).order_by(dead.desc(), tasks.c.id.desc()).limit(most)
    return by_number(connection, connection.execute(statement).scalars().all())


def dead_letters_between(
    connection: Connection, since: float, until: float, task_type: str, most: int
) -> list[DeadLetter]:
    """Latest first."""
    dead = tasks.c.dead_letter
    within = [dead >= since, dead < until, tasks.c.error_type.is_not(None)]
    if task_type:
        within.append(tasks.c.task_type.concat("") == storable(task_type))
    statement = (
        select(tasks.c.task_id, tasks.c.error_type, tasks.c.error_shape)
        .where(dead.is_not(None), *within)
        .order_by(dead.desc())
        .limit(most)
    )
    return [DeadLetter(*row) for row in connection.execute(statement).all()]


def count_dead_letters(connection: Connection) -> int:
    return connection.scalar(select(func.count()).where(tasks.c.dead_letter.is_not(None))) or 0


def error_groups(connection: Connection, since: float, until: float, task_type: str, most: int) -> list[ErrorGroup]:
    """The largest first."""
    group, ended = tasks.c.error_group, tasks.c.ended_at
    # As sums and chains, so that SQLite takes the index of failures and not one of the times or types of all tasks.
    within = [group.is_not(None), ended + 0.0 >= since, ended + 0.0 < until]
    if task_type:
        within.append(tasks.c.task_type.concat("") == storable(task_type))
    count, last = func.count().label("tasks"), func.max(ended).label("last")
    statement = (
        select(group.label("number"), count, func.min(ended).label("first"), last)
        .where(*within)
        .group_by(group)
        .order_by(count.desc(), last.desc())
        .limit(most)
    )
    return [_with_example(connection, row, within) for row in connection.execute(statement).all()]


def _with_example(connection: Connection, row: Any, within: list[ColumnElement[bool]]) -> ErrorGroup:
    kept = select(tasks.c.error_type, tasks.c.error_shape, tasks.c.correlation_id, bodies.c.record)
    example = connection.execute(
        kept.join(bodies, bodies.c.id == tasks.c.id)
        .where(tasks.c.error_group == row.number, tasks.c.ended_at == row.last, *within)
        .limit(1)
    ).one()
    task = packing.unpacked_task(example.record, None, None)
    return ErrorGroup(
        example.error_type,
        example.error_shape,
        row.tasks,
        row.first,
        row.last,
        task.task_id,
        task.fields.get("correlation_id", ""),
    )
