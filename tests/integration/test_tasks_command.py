"""`throughline tasks`: what it asks, what it prints where, and what it says when an option is wrong."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.conftest import free_port
from tests.odd_server import OddServer, problem, reply

COMMAND = Path(sys.executable).with_name("throughline")
TASK = {
    "task_id": "ca738823-5eaa-4120-b087-9745de70bd01",
    "task_type": "calculate_var",
    "status": "SUCCESS",
    "correlation_id": "ABC-123",
    "queue": "medium",
    "submitted_at": "2026-11-25T16:45:15.563425Z",
    "attempts": [],
}


def page(*tasks: dict[str, Any], **more: str) -> Any:
    return reply(200, {"tasks": tasks} | more)


def run(server: OddServer | str, *options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    url = server if isinstance(server, str) else server.url
    inherited = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return subprocess.run(
        [COMMAND, "tasks", "--url", url, *options],
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def asked(server: OddServer, number: int = 0) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(server.asked[number].line.split()[1]).query, strict_parsing=True))


def test_options_are_the_filters_of_the_api():
    with OddServer([page(TASK)]) as server:
        options = "--status failure,REVOKED --status retry --since 1h --until 2026-11-25T16:30:00+01:00"
        more = (
            "--slower-than 500ms --task-type var --queue LOW --worker worker-2 --error ValueError --correlation ABC-1"
        )
        before = datetime.now(UTC)
        ended = run(server, *options.replace("1h", "2020-01-01").split(), *more.split(), "--order", "oldest")
        since_an_hour = run(server, "--since", "1h")

    assert (ended.returncode, since_an_hour.returncode) == (0, 0), ended.stderr + since_an_hour.stderr
    assert asked(server) == {
        "status": "FAILURE,REVOKED,RETRY",
        "submitted_after": "2020-01-01T00:00:00+00:00",
        "submitted_before": "2026-11-25T15:30:00+00:00",
        "slower_than_ms": "500.0",
        "task_type": "var",
        "queue": "low",
        "worker": "worker-2",
        "error_type": "ValueError",
        "correlation_id": "ABC-1",
        "order": "oldest",
        "limit": "50",
    }
    since = datetime.fromisoformat(asked(server, 1)["submitted_after"])
    assert timedelta(0) <= since - (before - timedelta(hours=1)) < timedelta(seconds=60)


def test_json_is_one_object_a_line_from_all_pages_up_to_the_limit():
    with OddServer([page(TASK, TASK, next="x"), page(TASK)]) as server:
        ended = run(server, "--json", "--limit", "3")
    assert [json.loads(line) for line in ended.stdout.splitlines()] == [TASK] * 3
    assert ended.stderr == ""
    assert (asked(server)["limit"], asked(server, 1)["cursor"]) == ("3", "x")


def test_a_pipe_gets_a_line_for_each_task_and_columns_says_how_wide_a_page_is():
    with OddServer([page(TASK, TASK)]) as server:
        piped, narrow = run(server), run(server, COLUMNS="80")
    assert [len(line.split()) for line in piped.stdout.splitlines()] == [12, 10, 10]
    assert len(narrow.stdout.splitlines()) == 5
    assert max(map(len, narrow.stdout.splitlines())) <= 80


def test_none_at_all_is_said_aside():
    with OddServer([page()]) as server:
        drawn, as_json = run(server), run(server, "--json")
    for ended in (drawn, as_json):
        assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (0, "", 1)
        assert ended.stderr.startswith("No task at http://127.0.0.1:")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--status", "DONE"], "--status must be of PENDING, STARTED, RETRY, SUCCESS, FAILURE, REVOKED, not 'DONE'."),
        (["--status", ""], "--status must be of"),
        (["--since", "yesterday"], "--since must be how long ago"),
        (["--until", "-1h"], "--until"),
        (["--since", "1h", "--until", "2h"], "--since ("),
        (["--slower-than", "500"], "--slower-than must be a span of time such as 500ms"),
        (["--slower-than", "soon"], "--slower-than must be a span of time such as 500ms"),
        (["--queue", "urgent"], "--queue must be of high, medium, low, not 'urgent'."),
        (["--order", "up"], "--order must be of newest, oldest, not 'up'."),
        (["--limit", "0"], "--limit must be a whole number from 1 on, not '0'."),
        (["--limit", "1e3"], "--limit must be a whole number from 1 on"),
        (["--limit", "9" * 5000], "--limit must be a whole number from 1 on"),
        (["--task-type", ""], "--task-type must be"),
        (["--worker", "a\nb"], "--worker must be"),
        (["--correlation", "a b"], "--correlation must be"),
        (["--error", "x" * 300], "--error must be"),
    ],
)
def test_a_wrong_option_is_one_line_that_names_it(options: list[str], says: str):
    with OddServer([page(TASK)]) as server:
        ended = run(server, f"{options[0]}={options[1]}", *options[2:])
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1), ended.stderr
    assert ended.stderr.startswith(says)
    assert server.asked == []


def test_what_the_service_refuses_is_shown():
    with OddServer([problem(403, "FORBIDDEN")]) as server:
        ended = run(server)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("403 FORBIDDEN")


def test_nobody_there_is_said():
    ended = run(f"http://127.0.0.1:{free_port()}")
    assert ended.returncode == 1
    assert "Throughline does not answer at http://127.0.0.1:" in ended.stderr


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_whoever_reads_the_first_lines_only_ends_it_without_a_word(options: list[str]):
    reader, writer = os.pipe()
    os.close(reader)
    with OddServer([page(TASK)]) as server, os.fdopen(writer, "wb") as closed:
        command = [str(COMMAND), "tasks", "--url", server.url, *options]
        ended = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_full_disk_is_told_in_a_line(options: list[str]):
    with OddServer([page(*[TASK] * 500)]) as server, Path("/dev/full").open("wb") as full:
        command = [str(COMMAND), "tasks", "--url", server.url, "--limit", "500", *options]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (1, "The output cannot be written: No space left on device.\n")
