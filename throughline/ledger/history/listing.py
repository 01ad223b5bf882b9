"""A page of a list: a bounded number of tasks in the order of their submission, from a place on."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from throughline.ledger.history.conditions import beyond, filters
from throughline.ledger.history.schema import tasks
from throughline.ledger.task_query import TaskQuery


def page(connection: Connection, query: TaskQuery) -> Sequence[int]:
    """The numbers of the page's tasks, in its order."""
    order = [tasks.c.submitted_at, tasks.c.task_id]
    statement = (
        select(tasks.c.id)
        .where(*filters(query), *beyond(query))
        .order_by(*(each.desc() if query.newest_first else each.asc() for each in order))
        .limit(query.limit)
    )
    return connection.execute(statement).scalars().all()
