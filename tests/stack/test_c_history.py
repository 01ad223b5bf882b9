"""The history in PostgreSQL: who may do what, and that a new password or a restart loses nothing."""

from collections.abc import Callable

import pytest

from tests.stack.stack import Stack
from throughline.ledger.history import HistoryUnavailable, HistoryWrong
from throughline.ledger.task_query import TaskQuery

Wait = Callable[..., object]
DENIED = "permission denied"


def asked(stack: Stack, user: str, statement: str) -> str:
    """What psql says to the statement; errors too."""
    password = stack.secret(f"{user.upper()}_PASSWORD")
    command = f'PGPASSWORD={password} psql -h 127.0.0.1 -U {user} -d history -Atc "{statement}" 2>&1; true'
    return stack.docker("exec", stack.container("postgres"), "sh", "-c", command)


@pytest.mark.parametrize(
    ("user", "statement"),
    [
        ("history_reader", "DELETE FROM tasks"),
        ("history_reader", "INSERT INTO bodies VALUES (1, '')"),
        ("history_reader", "UPDATE alembic_version SET version_num = ''"),
        ("history_reader", "CREATE TABLE own (a int)"),
        ("history_reader", "CREATE TEMP TABLE own (a int)"),
        ("history_writer", "CREATE TABLE own (a int)"),
        ("history_writer", "TRUNCATE tasks"),
        ("history_writer", "SELECT rolpassword FROM pg_authid"),
        ("history_owner", "SELECT rolpassword FROM pg_authid"),
        ("history_owner", "CREATE ROLE own"),
    ],
)
def test_each_user_of_the_history_may_do_its_own_part_only(stack: Stack, user: str, statement: str):
    assert DENIED in asked(stack, user, statement)


@pytest.mark.parametrize("user", ["history_owner", "history_writer", "history_reader"])
def test_each_user_may_read(stack: Stack, user: str):
    assert asked(stack, user, "SELECT count(*) >= 0 FROM tasks JOIN bodies USING (id)") == "t\n"


def test_nobody_is_its_administrator_from_outside(stack: Stack):
    command = 'PGPASSWORD=x psql -w -h 127.0.0.1 -U postgres -d postgres -c "SELECT 1" 2>&1; true'
    answer = stack.docker("exec", stack.container("postgres"), "sh", "-c", command)
    assert "password authentication failed" in answer


def test_an_ended_task_is_in_the_history_after_a_second_and_still_there_after_a_restart(stack: Stack, wait_until: Wait):
    body = {"task_type": "calculate_var", "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 1}]}}
    with stack.http() as client:
        task_id = client.post("/api/v1/tasks", json=body).json()["task_id"]
    reader = stack.history()

    def is_kept() -> bool:
        try:
            return bool(reader.find([task_id]))
        except (HistoryUnavailable, HistoryWrong):
            return False

    wait_until(is_kept, 60, "the task is in the history")
    stack.compose("kill", "postgres")
    stack.compose("up", "-d", "--no-deps", "--wait", "postgres")
    wait_until(is_kept, 60, "the task is still in the history")
    assert reader.list(TaskQuery(limit=1))
    reader.close()


def test_the_log_of_the_history_holds_no_statement_and_no_row(stack: Stack):
    asked(stack, "history_writer", "INSERT INTO tasks (task_id) VALUES ('MY-SECRET-ROW')")
    printed = stack.docker("logs", stack.container("postgres"))
    assert "MY-SECRET-ROW" not in printed
