"""`throughline logs`: its lines at 80 columns and piped, and what it says when it cannot."""

import io
import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from throughline.cli.log_lines import Printed, drawn, one_line
from throughline.cli.logs import logs
from throughline.local.run import CannotRun
from throughline.tail.told_line import told_line

LINE: dict[str, Any] = {
    "@timestamp": "2026-11-25T14:45:12.173456Z",
    "log.level": "error",
    "message": "It failed",
    "event.action": "task.failed",
    "service.name": "worker",
    "service.node.name": "worker-2",
    "correlation_id": "ABC-1",
    "task_id": "task-1",
    "task_type": "monte_carlo_pricing",
    "status": "FAILURE",
    "duration_ms": 103.4,
    "error.type": "ValueError",
    "error.message": "no price for NVDA on 2026-11-20\x1b[2J, nor on any of the ten days before",
}


def asked(**own: Any) -> Namespace:
    none = dict.fromkeys(("correlation_id", "task_id", "level", "service", "since"))
    return Namespace(**(none | {"follow": False, "json": False} | own))


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    monkeypatch.delenv("ELASTICSEARCH_URL", raising=False)
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "worker-2.jsonl").write_text(json.dumps(LINE, separators=(",", ":")) + "\n")
    return tmp_path


def test_at_80_columns_a_line_is_wrapped_under_its_words():
    console = Console(file=io.StringIO(), width=80, highlight=False)
    lines = [each.plain.rstrip() for each in drawn(told_line(LINE), console)]

    assert lines[0] == "14:45:12.173 worker-2  error   monte_carlo_pricing: ended → FAILURE: ValueError"
    assert all(cell_len(each) <= 80 for each in lines)
    assert all(each.startswith(" " * 31) for each in lines[1:])
    assert " ".join(each.strip() for each in lines[1:]).endswith("ten days before  103\xa0ms  ABC-1")
    assert "\x1b" not in "".join(lines)


def test_an_id_that_all_lines_have_is_not_repeated():
    console = Console(file=io.StringIO(), width=80)

    assert "ABC-1" not in "".join(each.plain for each in drawn(told_line(LINE), console, hidden_id="ABC-1"))


def test_piped_it_is_one_whole_line_without_colours(capsys: pytest.CaptureFixture[str]):
    Printed(Console(file=io.StringIO(), width=40))([LINE, LINE])
    lines = capsys.readouterr().out.splitlines()

    assert len(lines) == 2
    assert lines[0] == one_line(told_line(LINE))
    assert lines[0].startswith("2026-11-25T14:45:12.173Z  worker-2  error  monte_carlo_pricing: ended → FAILURE")
    assert lines[0].endswith("before  103 ms  ABC-1")
    assert "\x1b" not in lines[0]


@pytest.mark.parametrize(
    "own",
    [{"since": "2026-11-25T00:00:00Z"}, {"since": "2026-11-25T14:45:12Z", "level": "WARNING", "service": "worker-2"}],
)
def test_it_shows_what_is_there(var: Path, capsys: pytest.CaptureFixture[str], own: dict[str, str]):
    assert logs(asked(**own)) == 0
    assert "ended → FAILURE" in capsys.readouterr().out


def test_json_is_the_line_as_it_was_written(var: Path, capsys: pytest.CaptureFixture[str]):
    assert logs(asked(json=True, since="2026-11-25T00:00:00Z", task_id="task-1")) == 0
    assert json.loads(capsys.readouterr().out) == LINE


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ({"level": "loud"}, "--level must be one of debug, info, notice, warning, error, not 'loud'."),
        ({"correlation_id": "a b"}, "--correlation-id must be 1 to 128 letters"),
        ({"task_id": "a\nb"}, "--task-id must be at most 128 characters"),
        ({"since": "yesterday"}, "--since must be how long ago"),
    ],
)
def test_what_makes_no_sense_is_named_with_its_option(var: Path, own: dict[str, str], says: str):
    with pytest.raises(CannotRun, match=says.replace("(", r"\(")):
        logs(asked(**own))


def test_nothing_found_says_so_and_where_it_looked(var: Path, capsys: pytest.CaptureFixture[str]):
    assert logs(asked(since="2026-11-25T00:00:00Z", correlation_id="NONE-1", level="error")) == 1
    out, err = capsys.readouterr()

    assert out == ""
    assert err.startswith("No log line with correlation ID NONE-1, level from error since 2026-11-25 00:00:00 UTC in ")
    assert str(var / "log") in err
