"""`throughline tasks cancel|replay|resubmit` and `throughline circuit close`: what is asked first, and what is sent."""

import io
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.json_server import Server
from throughline.cli.main import main
from throughline.cli.task_actions import is_dead_letter


@pytest.fixture
def api() -> Iterator[Server]:
    with Server() as server:
        server.answer = {"task_id": "t-9", "status": "REVOKED", "queue": "low", "tasks": [], "circuit": "open"}
        yield server


def run(monkeypatch: pytest.MonkeyPatch, api: Server, *arguments: str, answer: str | None = None) -> int:
    monkeypatch.setenv("THROUGHLINE_URL", api.url)
    monkeypatch.delenv("THROUGHLINE_API_KEY", raising=False)
    monkeypatch.setattr(sys, "argv", ["throughline", *arguments])
    stdin = io.StringIO(answer or "")
    monkeypatch.setattr(stdin, "isatty", lambda: answer is not None)
    monkeypatch.setattr(sys, "stdin", stdin)
    return main()


def asked(api: Server) -> list[str]:
    return [each.partition("?")[0] for each, _ in api.asked]


@pytest.mark.parametrize(
    ("action", "sent"),
    [
        ("cancel", ["DELETE /api/v1/tasks/a", "DELETE /api/v1/tasks/b"]),
        ("replay", ["POST /api/v1/dead-letters/a/replay", "POST /api/v1/dead-letters/b/replay"]),
        ("resubmit", ["POST /api/v1/tasks/a/resubmit", "POST /api/v1/tasks/b/resubmit"]),
    ],
)
def test_tasks_of_these_ids_are_acted_on_once_it_is_confirmed(
    monkeypatch: pytest.MonkeyPatch, api: Server, capsys: pytest.CaptureFixture[str], action: str, sent: list[str]
):
    assert run(monkeypatch, api, "tasks", action, "a", "b", "a", "--why", "Übertrag", answer="y\n") == 0
    out, err = capsys.readouterr()

    assert asked(api) == sent
    assert "2 tasks" in err
    assert [each.split()[0] for each in out.splitlines()] == ["a", "b"]
    assert {each["X-Why"].encode("latin-1").decode() for each in api.headers} == {"Übertrag"}
    assert len({each["X-Request-ID"] for each in api.headers}) == 1


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_nothing_is_done_without_a_yes(monkeypatch: pytest.MonkeyPatch, api: Server, answer: str):
    assert run(monkeypatch, api, "tasks", "cancel", "a", answer=answer) == 1
    assert asked(api) == []


def test_where_nobody_can_be_asked_it_needs_yes(
    monkeypatch: pytest.MonkeyPatch, api: Server, capsys: pytest.CaptureFixture[str]
):
    assert run(monkeypatch, api, "tasks", "cancel", "a") == 1
    assert "--yes confirms it" in capsys.readouterr().err
    assert run(monkeypatch, api, "tasks", "cancel", "a", "--yes") == 0
    assert asked(api) == ["DELETE /api/v1/tasks/a"]


@pytest.mark.parametrize(
    "arguments", [("tasks", "cancel", "--yes"), ("tasks", "cancel", "a", "--queue", "low", "--yes"),
                  ("tasks", "--queue", "low", "cancel", "a", "--yes")]
)  # fmt: skip
def test_without_ids_or_filters_and_with_both_nothing_is_done(
    monkeypatch: pytest.MonkeyPatch, api: Server, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
):
    assert run(monkeypatch, api, *arguments) == 1
    assert "Say which tasks" in capsys.readouterr().err
    assert asked(api) == []


def dead(task_id: str, reason: str = "retries_used_up") -> dict[str, Any]:
    return {"task_id": task_id, "status": "FAILURE", "attempts": [{"ended_by": reason}]}


@pytest.mark.parametrize("before", [True, False])
def test_filters_count_before_and_after_the_action_and_only_dead_letters_are_replayed(
    monkeypatch: pytest.MonkeyPatch, api: Server, capsys: pytest.CaptureFixture[str], before: bool
):
    api.answer |= {"tasks": [dead("a"), dead("b", "failed"), dead("c", "deliveries_used_up")]}
    error = ("--error", "ConnectionError")
    arguments = ("tasks", *error, "replay") if before else ("tasks", "replay", *error)
    assert run(monkeypatch, api, *arguments, "--since", "1h", "--yes") == 0
    listed, *sent = [each for each, _ in api.asked]

    assert "error_type=ConnectionError" in listed
    assert "status=FAILURE" in listed
    assert "limit=201" in listed
    assert sent == ["POST /api/v1/dead-letters/a/replay", "POST /api/v1/dead-letters/c/replay"]
    assert "2 of 2 tasks done" in capsys.readouterr().err


def test_more_than_the_limit_is_said_and_left(
    monkeypatch: pytest.MonkeyPatch, api: Server, capsys: pytest.CaptureFixture[str]
):
    api.answer |= {"tasks": [dead(str(number)) for number in range(4)] + [dead("b", "failed")]}
    assert run(monkeypatch, api, "tasks", "replay", "--error", "E", "--limit", "3", answer="n\n") == 1

    assert "Replay 3 tasks at" in (err := capsys.readouterr().err)
    assert "There are more" in err
    assert run(monkeypatch, api, "tasks", "replay", "--error", "E", "--limit", "5000", "--yes") == 1
    assert "--limit must be at most 1,000" in capsys.readouterr().err


def test_a_refusal_is_told_in_the_apis_words_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, api: Server, capsys: pytest.CaptureFixture[str]
):
    api.status, api.answer = 409, {"code": "TASK_FINISHED", "detail": "Task a has finished."}

    assert run(monkeypatch, api, "tasks", "cancel", "a", "--yes") == 1
    out, err = capsys.readouterr()
    assert out == "a  not done: Task a has finished. (TASK_FINISHED)\n"
    assert "0 of 1 task done" in err


@pytest.mark.parametrize("why", ["two\nlines", "x" * 201])
def test_words_that_the_api_would_refuse_are_refused_before_anything_is_done(
    monkeypatch: pytest.MonkeyPatch, api: Server, capsys: pytest.CaptureFixture[str], why: str
):
    assert run(monkeypatch, api, "tasks", "cancel", "a", "--yes", "--why", why) == 1
    assert capsys.readouterr().err.startswith("--why: Must ")
    assert asked(api) == []


def test_the_breaker_is_closed_while_it_is_open(
    monkeypatch: pytest.MonkeyPatch, api: Server, capsys: pytest.CaptureFixture[str]
):
    assert run(monkeypatch, api, "circuit", "close", "--why", "the backlog is gone", "--yes") == 0
    assert asked(api) == ["GET /api/v1/queues", "POST /api/v1/queues/circuit/close"]
    assert api.headers[1]["X-Why"] == "the backlog is gone"
    api.answer |= {"circuit": "closed"}
    assert run(monkeypatch, api, "circuit", "close") == 0
    assert "is closed: tasks are taken" in capsys.readouterr().err
    assert len(api.asked) == 3


def test_a_list_of_tasks_is_still_a_list(monkeypatch: pytest.MonkeyPatch, api: Server):
    assert run(monkeypatch, api, "tasks", "--status", "FAILURE", "--json") == 0
    assert asked(api) == ["GET /api/v1/tasks"]


@pytest.mark.parametrize(
    ("task", "is_one"),
    [(dead("a"), True), (dead("a", "failed"), False), ({"status": "SUCCESS"}, False), ({"status": "FAILURE"}, True)],
)
def test_the_latest_attempt_tells_a_dead_letter(task: dict[str, Any], is_one: bool):
    assert is_dead_letter(task) == is_one
