"""Tasks, what a list filters by, and their bodies."""

from alembic import op
from sqlalchemy import BigInteger, Column, Double, Integer, LargeBinary, SmallInteger, Text, text

revision = "0001"
down_revision = None


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
    op.create_index("tasks_correlation_id", "tasks", ["correlation_id", "submitted_at"])
    op.create_index("tasks_ended", "tasks", ["ended_at"])
    op.create_index("tasks_submitted", "tasks", ["submitted_at", "status"])
    op.create_index("tasks_status", "tasks", ["status", "submitted_at"])
    op.create_index("tasks_task_type", "tasks", ["task_type", "status", "submitted_at"])
    op.create_index("tasks_queue", "tasks", ["queue", "submitted_at"])
    _partial("tasks_worker", ["worker", "submitted_at"])
    _partial("tasks_error_type", ["error_type", "submitted_at"])
    _partial("tasks_dead_letter", ["dead_letter"])


def _partial(name: str, columns: list[str]) -> None:
    """An index of those rows only that have a value in the first column."""
    filled = text(f"{columns[0]} IS NOT NULL")
    op.create_index(name, "tasks", columns, sqlite_where=filled, postgresql_where=filled)
