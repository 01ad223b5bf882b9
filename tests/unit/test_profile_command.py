"""`throughline profile`: what it prints, where, and what it exits with."""

import io
import json
from argparse import Namespace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.unit.test_journey_sample import START_MS, Sample
from throughline.cli.profile import draw, profile
from throughline.local.run import CannotRun
from throughline.profile import Window, local_files

START = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=START_MS)


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sample:
    monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
    monkeypatch.delenv("ELASTICSEARCH_URL", raising=False)
    return Sample(tmp_path / "var")


def asked(**own: Any) -> Namespace:
    return Namespace(**{"since": "2026-11-24T14:00:00Z", "until": None, "task_type": "", "json": False} | own)


def printed(sample: Sample, width: int) -> list[str]:
    found = local_files.profile(sample.var_dir, Window(START, START + timedelta(hours=1)))
    out = io.StringIO()
    draw(found, "var", Console(file=out, width=width, highlight=False, force_terminal=False))
    return out.getvalue().splitlines()


def test_the_table(sample: Sample):
    sample.complete("ABC-1")
    sample.complete("ABC-2", 1000)

    assert printed(sample, 80) == [
        "2026-11-24 14:45:12 UTC to 2026-11-24 15:45:12 UTC · from var",
        "",
        "calculate_var  2 runs, 226 ms in all",
        "step        count      p50      p95      p99    total  share",
        "nginx           2  6.00 ms  6.00 ms  6.00 ms  12.0 ms    2 %  ▍",
        "api             2  4.00 ms  4.00 ms  4.00 ms  8.00 ms    2 %  ▍",
        "publish         2  2.00 ms  2.00 ms  2.00 ms  4.00 ms    2 %  ▍",
        "wait            2  7.00 ms  7.00 ms  7.00 ms  14.0 ms    6 %  █▏",
        "run             2   100 ms   100 ms   100 ms   200 ms   88 %  ███████████████▉",
        "  simulate      2  80.0 ms  80.0 ms  80.0 ms   160 ms   71 %  ████████████▊",
        "",
        "Each attempt counts, with its own wait and run. p50, p95, p99 and total are of a",
        "step from its start to its end; a share is of the time of all the type's steps,",
        "where nginx counts without the api and the api without publish, so that the",
        "shares add up to 100 %. Phases are part of run. Percentiles are from every span.",
    ]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_it_fits_the_terminal_and_a_phase_cannot_command_it(sample: Sample, width: int):
    task = sample.complete("ABC-1")
    sample.phase("a phase with a very long name \x1b[31m" + "x" * 80, 20, 30, task, "ABC-1")

    lines = printed(sample, width)
    assert [line.strip(" ") for line in lines if cell_len(line) > width] in ([], ["�[31m" + "x" * 80])
    assert "\x1b" not in "".join(lines)
    assert any("a phase" in line for line in lines) or width < 80


def test_json_has_every_figure(sample: Sample, capsys: pytest.CaptureFixture[str]):
    sample.complete("ABC-1")

    assert profile(asked(json=True)) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["since"], told["exact"]) == ("2026-11-24T14:00:00.000Z", True)
    (only,) = told["types"]
    assert (only["task_type"], only["total_ms"]) == ("calculate_var", 113)
    assert sum(step["share"] for step in only["steps"]) == pytest.approx(1, abs=1e-5)
    assert only["phases"] == [
        {"name": "simulate", "count": 1, "p50_ms": 80, "p95_ms": 80, "p99_ms": 80, "total_ms": 80, "share": 0.707965}
    ]


def test_when_there_is_nothing_it_says_where_it_looked(sample: Sample, capsys: pytest.CaptureFixture[str]):
    assert profile(asked(task_type="never_heard_of")) == 1
    told = capsys.readouterr().err
    assert "No step of a task of type never_heard_of began between 2026-11-24 14:00:00 UTC and " in told
    assert str(sample.var_dir) in told


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ({"since": "yesterday"}, "--since must be how long ago"),
        ({"until": "1x"}, "--until must be how long ago"),
        ({"since": "1h", "until": "2h"}, "must be before --until"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(sample: Sample, own: dict[str, str], says: str):
    with pytest.raises(CannotRun, match=says):
        profile(asked(**own))
