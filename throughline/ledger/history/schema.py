"""The history's tables: what a list filters by, and beside it everything else of a task, packed.

A list reads many rows of `tasks`, and so they are small. `bodies` is read only for the tasks that are shown. One of
its rows is no task's: mark.py.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Double, Integer, LargeBinary, MetaData, SmallInteger, Table, Text

metadata: Final = MetaData()

# The first column of both: SQLite numbers rows by itself only if the type is exactly INTEGER.
_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")

tasks: Final = Table(
    "tasks",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("task_id", Text, nullable=False),
    Column("version", BigInteger, nullable=False),  # of its record: a higher one replaces a lower one
    Column("status", Text, nullable=False),
    Column("task_type", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("caller", Text),  # NULL for anyone's
    Column("correlation_id", Text, nullable=False),
    Column("trace_id", Text, nullable=False),
    Column("worker", Text),  # of the latest attempt
    Column("error_type", Text),
    Column("error_shape", Text),
    Column("error_group", BigInteger),  # a number made of error_type and error_shape
    Column("dead_letter", Double),  # when it became one
    Column("submitted_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("ended_at", Double, nullable=False),  # finished_at, or submitted_at: retention goes by it
    Column("queue_wait_ms", Double),
    Column("run_ms", Double),
    Column("total_ms", Double),
    Column("duration_class", SmallInteger),  # of total_ms
)

bodies: Final = Table(
    "bodies",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=False),
    Column("record", LargeBinary, nullable=False),
    Column("result", LargeBinary),
    Column("message", LargeBinary),
)

# Every revision that this code knows, oldest first: read without alembic, which only the monitor loads.
REVISIONS: Final = ("0001",)
