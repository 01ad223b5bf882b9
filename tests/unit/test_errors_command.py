"""`throughline errors`: what it prints, and what it says when it cannot."""

import io
from argparse import Namespace
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.json_server import Server
from throughline.cli.errors import draw, errors
from throughline.local.run import CannotRun

GROUP = {
    "error_type": "ValueError",
    "message": "no price for <text> at <n>\x1b[31m",
    "count": 12,
    "first": "2026-11-25T14:00:00.000Z",
    "last": "2026-11-25T15:59:00.000Z",
    "task_id": "task-1",
    "correlation_id": "ABC-1",
}


def asked(url: str, **own: Any) -> Namespace:
    return Namespace(**{"since": "1h", "until": None, "task_type": "", "json": False, "url": url} | own)


@pytest.mark.parametrize("width", [80, 120])
def test_each_group_says_how_many_when_and_where_to_look(width: int):
    out = io.StringIO()
    draw([GROUP], datetime(2026, 11, 25, 16, tzinfo=UTC), Console(file=out, width=width, highlight=False))

    assert out.getvalue().splitlines() == [
        "ValueError  12 tasks, the last 1 m 00 s ago",
        "  no price for <text> at <n>�[31m",
        "  2026-11-25 14:00:00 UTC to 2026-11-25 15:59:00 UTC · throughline journey ABC-1",
    ]
    assert all(cell_len(line) <= width for line in out.getvalue().splitlines())


def test_it_asks_the_page_for_that_time_and_type(server: Server, capsys: pytest.CaptureFixture[str]):
    server.answer = {"errors": []}

    assert errors(asked(server.url, since="2026-11-25T14:00:00Z", task_type="word_count")) == 0
    ((path, _),) = server.asked
    assert path.startswith("GET /errors?since=2026-11-25T14%3A00%3A00%2B00%3A00&until=")
    assert path.endswith("&task_type=word_count")
    assert server.headers[0]["Accept"] == "application/json"
    assert "failed between 2026-11-25 14:00:00 UTC and" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "answer", "says"),
    [
        (503, {"detail": "The history does not answer."}, "answered 503: The history does not answer."),
        (200, {}, "no list of errors"),
    ],
)
def test_what_it_cannot_tell_it_says_in_a_line(server: Server, status: int, answer: dict[str, Any], says: str):
    server.status, server.answer = status, answer

    with pytest.raises(CannotRun, match=says):
        errors(asked(server.url))


def test_nobody_there_and_an_option_that_makes_no_sense_are_named():
    with pytest.raises(CannotRun, match="does not answer at http"):
        errors(asked("http://127.0.0.1:1"))
    with pytest.raises(CannotRun, match="--since must be how long ago"):
        errors(asked("http://127.0.0.1:1", since="soon"))
