"""A release's migration adds: the release before it goes on reading and writing the same tables, and may come back.

What takes away waits until no release that is still run needs it: docs/decisions/two-versions.md.
"""

import re
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from alembic import op
from alembic.config import Config
from alembic.operations import AbstractOperations, Operations, ops
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Integer, Text, text

from tests.system.nine import ROOT

HARMLESS = (ops.CreateTableOp, ops.CreateTableCommentOp, ops.DropIndexOp, ops.BulkInsertOp)


def revisions() -> list[ModuleType]:
    config = Config()
    config.set_main_option("script_location", "throughline.ledger.history:migrations")
    return [each.module for each in ScriptDirectory.from_config(config).walk_revisions()]


def operations_of(upgrade: Callable[[], Any]) -> list[Any]:
    """What it does, told by alembic itself: nothing is run."""
    told: list[Any] = []

    def note(_: object, operation: Any) -> None:
        told.append(operation)

    context = MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True})
    with pytest.MonkeyPatch.context() as patch, Operations.context(context):
        patch.setattr(AbstractOperations, "invoke", note)
        patch.setattr(AbstractOperations, "get_bind", no_connection)
        upgrade()
    return told


def no_connection(_: object) -> None:
    raise AssertionError("a migration says what it does by `op`, not over a connection of its own")


def breaks(upgrade: Callable[[], Any]) -> list[str]:
    """What of it the release before would not survive, in words."""
    told = operations_of(upgrade)
    new = {each.table_name for each in told if isinstance(each, ops.CreateTableOp)}
    return [words for each in told for words in _broken(each, new)]


def _broken(operation: Any, new: set[str]) -> Iterator[str]:
    if isinstance(operation, HARMLESS) or getattr(operation, "table_name", None) in new:
        return
    match operation:
        case ops.AddColumnOp():
            column = operation.column
            if not column.nullable and column.server_default is None:
                yield f"{operation.table_name}.{column.name} has to be written: it is NOT NULL and has no default"
        case ops.CreateIndexOp():
            if operation.unique:
                yield f"{operation.index_name} refuses rows that were taken before"
        case ops.AlterColumnOp():
            yield f"{operation.table_name}.{operation.column_name} is changed"
        case ops.ExecuteSQLOp():
            if re.search(r"\b(ALTER|DROP|RENAME|TRUNCATE|DELETE)\b", str(operation.sqltext), re.IGNORECASE):
                yield f"{operation.sqltext} may take away"
        case _:
            yield f"{type(operation).__name__} is not known to be harmless"


def refused(module: Any, released: list[str]) -> list[str]:
    """Why the revision may not be part of the coming release."""
    broken = breaks(module.upgrade)
    last_user = getattr(module, "contracts", None)
    if not broken or (last_user in released and last_user != released[0]):
        return []
    if last_user is None:
        return broken
    return [f"`contracts` must name a release before the latest ({released[0]}), and is {last_user!r}"]


def releases() -> list[str]:
    """The latest first."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return re.findall(r"^## \[?v?(\d[^\]\s]*)", changelog, re.MULTILINE) or ["none yet"]


@pytest.mark.parametrize("module", revisions(), ids=lambda module: str(module.revision))
def test_a_migration_takes_nothing_from_the_release_before_it(module: ModuleType):
    assert refused(module, releases()) == []


ADDING: list[Callable[[], Any]] = [
    lambda: op.add_column("tasks", Column("region", Text)),
    lambda: op.add_column("tasks", Column("cost", Integer, nullable=False, server_default=text("0"))),
    lambda: op.create_table("regions", Column("name", Text, nullable=False)),
    lambda: op.create_index("tasks_by_region", "tasks", ["region"]),
    lambda: op.drop_index("tasks_by_worker", "tasks"),
    lambda: op.execute("UPDATE tasks SET region = 'eu' WHERE region IS NULL"),
]
TAKING: list[Callable[[], Any]] = [
    lambda: op.drop_table("bodies"),
    lambda: op.drop_column("tasks", "worker"),
    lambda: op.add_column("tasks", Column("region", Text, nullable=False)),
    lambda: op.alter_column("tasks", "worker", new_column_name="holder"),
    lambda: op.alter_column("tasks", "version", type_=Integer),
    lambda: op.alter_column("tasks", "worker", nullable=False),
    lambda: op.rename_table("tasks", "ended_tasks"),
    lambda: op.create_index("one_trace", "tasks", ["trace_id"], unique=True),
    lambda: op.create_check_constraint("short", "tasks", "length(queue) < 9"),
    lambda: op.create_unique_constraint("one", "tasks", ["trace_id"]),
    lambda: op.execute("ALTER TABLE tasks DROP COLUMN worker"),
    lambda: op.execute(text("delete from bodies")),
]


def batch() -> None:
    with op.batch_alter_table("tasks") as tasks:
        tasks.drop_column("worker")


@pytest.mark.parametrize("upgrade", ADDING)
def test_what_adds_is_let_through(upgrade: Callable[[], Any]):
    assert len(operations_of(upgrade)) == 1
    assert breaks(upgrade) == []


@pytest.mark.parametrize("upgrade", [*TAKING, batch])
def test_what_takes_away_is_refused(upgrade: Callable[[], Any]):
    assert len(breaks(upgrade)) == 1


def test_a_connection_of_its_own_would_hide_what_a_migration_does():
    with pytest.raises(AssertionError, match="by `op`"):
        breaks(lambda: op.get_bind().execute(text("DROP TABLE tasks")))


@pytest.mark.parametrize(("last_user", "is_refused"), [(None, True), ("0.3.0", True), ("0.9", True), ("0.2.0", False)])
def test_what_takes_away_waits_for_a_release_whose_code_does_without_it(last_user: str | None, is_refused: bool):
    marked = {} if last_user is None else {"contracts": last_user}
    module = SimpleNamespace(upgrade=lambda: op.drop_column("tasks", "worker"), **marked)

    assert bool(refused(module, ["0.3.0", "0.2.0", "0.1.0"])) is is_refused
