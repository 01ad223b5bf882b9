"""Tasks, what a list filters by, and their bodies."""

from collections.abc import Sequence
from typing import Final

from alembic import op
from sqlalchemy import BigInteger, Column, Double, Integer, LargeBinary, SmallInteger, Text, text

revision = "0001"
down_revision = None

# access.py chooses among those that end with `submitted_at`; what comes after it spares a look at the row.
_EVERY_TASK: Final[Sequence[Sequence[str]]] = (
    ("ended_at",),
    ("submitted_at", "status"),
    ("correlation_id", "submitted_at"),
    ("status", "submitted_at"),
    ("task_type", "status", "submitted_at"),
    ("queue", "submitted_at", "status"),
    ("worker", "submitted_at", "status"),
    ("duration_class", "submitted_at", "total_ms"),
    ("task_type", "duration_class", "submitted_at", "total_ms"),
)
# Of those tasks only that have a value in the first column: few have failed, and without API keys none has a caller.
_FILLED: Final[Sequence[Sequence[str]]] = (
    ("dead_letter",),
    ("error_type", "submitted_at"),
    ("error_type", "caller", "submitted_at"),
    ("error_group", "ended_at", "task_type"),
    ("caller", "submitted_at", "status"),
    ("caller", "correlation_id", "submitted_at"),
    ("caller", "status", "submitted_at"),
    ("caller", "task_type", "status", "submitted_at"),
    ("caller", "queue", "submitted_at", "status"),
    ("caller", "worker", "submitted_at", "status"),
    ("caller", "duration_class", "submitted_at", "total_ms"),
)


def upgrade() -> None:
    number = BigInteger().with_variant(Integer, "sqlite")
    op.create_table(
        "tasks",
        Column("id", number, primary_key=True),
        Column("task_id", Text, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("status", Text, nullable=False),
        Column("task_type", Text, nullable=False),
        Column("queue", Text, nullable=False),
        Column("priority", Text, nullable=False),
        Column("caller", Text),
        Column("correlation_id", Text, nullable=False),
        Column("trace_id", Text, nullable=False),
        Column("worker", Text),
        Column("error_type", Text),
        Column("error_shape", Text),
        Column("error_group", BigInteger),
        Column("dead_letter", Double),
        Column("submitted_at", Double, nullable=False),
        Column("started_at", Double),
        Column("finished_at", Double),
        Column("ended_at", Double, nullable=False),
        Column("queue_wait_ms", Double),
        Column("run_ms", Double),
        Column("total_ms", Double),
        Column("duration_class", SmallInteger),
    )
    op.create_table(
        "bodies",
        Column("id", number, primary_key=True, autoincrement=False),
        Column("record", LargeBinary, nullable=False),
        Column("result", LargeBinary),
        Column("message", LargeBinary),
    )
    op.create_index("tasks_task_id", "tasks", ["task_id"], unique=True)
    for columns in _EVERY_TASK:
        op.create_index(_name(columns), "tasks", list(columns))
    for columns in _FILLED:
        filled = text(f"{columns[0]} IS NOT NULL")
        op.create_index(_name(columns), "tasks", list(columns), sqlite_where=filled, postgresql_where=filled)


def _name(columns: Sequence[str]) -> str:
    return "_".join(("tasks_by", *columns))
