"""`throughline journey ID`: what it prints, where, and what it exits with."""

import io
import json
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.unit.test_journey_sample import Sample
from throughline.cli.journey import Wanted, draw, journey
from throughline.journey import assemble, find
from throughline.journey.json_document import to_dict

ID = "ULTIMATE-SUCCESS-123"
ATTEMPT = {
    "attempt": 1, "status": "SUCCESS", "worker": "worker-2", "took_ms": 100.0, "lost_ms": None,
    "error_type": None, "error_message": None, "raised_at": None, "cause": None,
}  # fmt: skip


def printed(sample: Sample, width: int = 100, *, logs: bool = False) -> list[str]:
    """The lines of the drawing on something that is no terminal."""
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, force_terminal=False)
    draw(assemble(ID, find(sample.var_dir, ID)), console, Wanted(logs=logs))
    return out.getvalue().splitlines()


def test_the_drawing(sample: Sample):
    sample.complete(ID)

    assert printed(sample) == [
        "ULTIMATE-SUCCESS-123  SUCCESS in 110 ms",
        "calculate_var in high · 2026-11-24 14:45:12.123 UTC · task task-1",
        "trace 00000000000000000000000000000001",
        "",
        " offset    took  0            50 ms",
        "      0 6.00 ms  █▋                              nginx          POST /api/v1/tasks → 201",
        "1.00 ms 4.00 ms  █▍                              api fastapi-2    answered 201",
        "2.00 ms 2.00 ms  ▐▏                              api fastapi-2      accepted into high at position 1",
        "3.00 ms 7.00 ms  ░░░                             worker-2       waited in high",
        "10.0 ms  100 ms    ▕███████████████████████████  worker-2       ran calculate_var → SUCCESS",
        "20.0 ms 80.0 ms       ▐█████████████████████▎    worker-2         simulate 100,000 scenarios",
        "",
        "░ queue wait 7.00 ms (6 %)   █ run 100 ms (91 %)   █ the rest 3.00 ms (3 %)",
        "slowest step: simulate on worker-2, 80.0 ms (73 %)",
    ]


def test_a_request_of_more_than_one_version_says_so(sample: Sample):
    task = sample.submission(ID)
    sample.run(task, ID, 10, 110, version="1.1", attempt=1, status="RETRY")
    sample.run(task, ID, 120, 130, version="1.0", attempt=2, ids=(sample.new_id(), sample.new_id()), published=111)

    assert "by versions 1.0 (nginx, api, worker), 1.1 (worker)" in " ".join(printed(sample))
    (request,) = to_dict(assemble(ID, find(sample.var_dir, ID)))["requests"]
    assert [step["version"] for step in request["steps"] if step["role"] == "run"] == ["1.1", "1.0"]


def test_a_lost_run_which_another_process_tells_has_no_version(sample: Sample):
    task = sample.submission(ID)
    sample.run(task, ID, 10, 110, version="1.1", cause="its process was lost", worker="worker-1")

    (request,) = to_dict(assemble(ID, find(sample.var_dir, ID)))["requests"]
    assert [step["version"] for step in request["steps"] if step["role"] == "run"] == [None]


def test_log_lines_stand_in_their_places_when_asked_for(sample: Sample):
    task = sample.complete(ID)
    in_run = {"correlation_id": ID, "span.id": f"{task.run:016x}", "log.level": "warning"}
    sample.log(60, "is getting warm", service="worker", node="worker-2", **in_run)

    assert printed(sample) == [line for line in printed(sample, logs=True) if "warm" not in line]
    *_, simulate, line = printed(sample, logs=True)[:12]
    assert simulate.endswith("simulate 100,000 scenarios")
    assert line == "60.0 ms warning                  ╵               worker-2       ┊ is getting warm"


def test_a_pause_is_shaded_and_a_moment_is_a_mark(sample: Sample):
    task = sample.submission(ID)
    sample.run(task, ID, 10, 50, status="RETRY", **{"error.type": "ConnectionError"})
    due = {"event.action": "task.due", "status": "PENDING", "queue": "high", "attempt": 1, "task_id": task.task_id}
    sample.log(350, "due", service="monitor", node="monitor", correlation_id=ID, **due)
    sample.run(task, ID, 400, 500, attempt=2, ids=(1001, 1002))

    assert printed(sample)[10:] == [
        "3.00 ms 7.00 ms  ░                         worker-2       waited in high",
        "10.0 ms 40.0 ms  ▐█▍                       worker-2       ran calculate_var → RETRY: ConnectionError",
        "50.0 ms  300 ms    ┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈                        waited 300 ms for attempt 2",
        " 350 ms                          ◆         monitor        retry due: put into high for attempt 2",
        " 350 ms 50.0 ms                  ░░░░      worker-2       waited in high for attempt 2",
        " 400 ms  100 ms                     █████  worker-2       ran calculate_var → SUCCESS, attempt 2",
        "",
        "░ queue wait 57.0 ms (11 %)   █ run 140 ms (28 %)   ┈ between attempts 300 ms (60 %)",
        "█ the rest 3.00 ms (1 %)",
        "slowest step: wait for retry, 300 ms (60 %)",
    ]


def test_a_chain_of_children_stays_in_sight(sample: Sample):
    parent = sample.complete(ID)
    for at in range(20):
        wait, run = sample.new_id(), sample.new_id()
        child = {
            "correlation_id": ID,
            "task_id": f"child-{at}",
            "parent_id": parent.task_id if at == 0 else f"child-{at - 1}",
        }
        start = 200 + at * 10
        sample.span("wait low", start, start + 1, (parent.trace, wait, parent.run), **child, queue="low")
        sample.span("run sum", start + 1, start + 9, (parent.trace, run, wait), **child, status="SUCCESS")

    lines = printed(sample, 80)

    assert lines[1].endswith("task task-1")
    assert any("20 child tasks: 20 SUCCESS" in line for line in lines)
    assert sum("ran sum → SUCCESS" in line for line in lines) == 20


@pytest.mark.parametrize("width", [80, 100, 140, 200])
def test_the_drawing_uses_the_width_and_keeps_to_it(sample: Sample, width: int):
    task = sample.complete(ID)
    sample.log(60, "long " * 60, correlation_id=ID, task_id=task.task_id)

    lines = printed(sample, width)
    widest = next(line for line in lines if "accepted into high" in line)
    assert width - 2 <= cell_len(widest) <= width
    assert widest.endswith("at position 1")
    shown = printed(sample, width, logs=True)
    assert width - 6 <= max(map(cell_len, shown)) <= width
    assert " ".join(shown).count("long") == 60


@pytest.mark.parametrize("width", [1, 20, 40])
def test_a_terminal_too_narrow_cuts_nothing_and_does_not_crash(sample: Sample, width: int):
    sample.complete(ID)

    shown = " ".join(" ".join(printed(sample, width, logs=True)).split())
    assert "calculate_var → SUCCESS" in shown
    assert "accepted into high at position 1" in shown


def test_escape_sequences_in_data_do_not_reach_the_terminal(sample: Sample):
    task = sample.complete(ID)
    hostile = "\x1b[2J[bold]\r\nnext \u202e\x07"
    sample.log(60, hostile, correlation_id=ID, task_id=task.task_id, **{"log.level": hostile})
    sample.span("api", 300, 301, (77, 78, 0), correlation_id=ID, **{"url.path": hostile})

    text = "\n".join(printed(sample, 140, logs=True))

    assert text.count("�[2J[bold]  next ��") == 2
    assert all(c.isprintable() or c == "\n" for c in text)


def test_each_task_of_an_id_is_drawn_and_reads_get_a_line_each(sample: Sample):
    for at in (0, 200, 400):
        sample.complete(ID, at)
    for at in range(500, 530):
        sample.read(ID, at)
    sample.read(ID, 600, status=404)

    lines = printed(sample)

    assert lines[0] == f"{ID}  3 tasks, 31 other requests"
    assert [line for line in lines if " of 3  " in line] == [f"{n} of 3  SUCCESS in 110 ms" for n in (1, 2, 3)]
    assert sum("waited in high" in line for line in lines) == 3
    others = lines[lines.index("other requests") + 1 :]
    assert others[0] == "14:45:12.623   2.00 ms  GET /api/v1/tasks/task-1 → 200"
    assert others[7:] == ["14:45:12.723   2.00 ms  GET /api/v1/tasks/task-1 → 404", "and 23 more: --json has them all"]


def test_a_lone_request_without_a_task_is_drawn_in_full(sample: Sample):
    sample.read(ID, 0, status=404)

    lines = printed(sample)

    assert lines[0] == f"{ID}  404 in 2.00 ms"
    assert any(line.endswith("answered 404") for line in lines)
    assert not any("queue wait" in line for line in lines)


def test_the_document_says_whether_the_whole_way_can_be_seen(sample: Sample):
    sample.submission(ID)
    assert to_dict(assemble(ID, find(sample.var_dir, ID)))["complete"] is False

    other = f"{ID}-WHOLE"
    sample.complete(other)
    assert to_dict(assemble(other, find(sample.var_dir, other)))["complete"] is True


def test_a_task_that_is_not_done_is_shown_as_such(sample: Sample):
    sample.submission(ID)

    lines = printed(sample)

    assert lines[0] == f"{ID}  PENDING, 6.00 ms so far"
    assert lines[-2] == "Not started yet: it waits in high."
    assert lines[-1].startswith("slowest step so far: ")


def test_an_id_of_which_only_log_lines_are_left_shows_those(sample: Sample):
    sample.log(0, "all there is", correlation_id=ID)

    assert printed(sample)[0] == f"{ID}  1 log line"
    assert printed(sample)[1].endswith("--logs shows them.")
    assert printed(sample, logs=True)[-1] == "2026-11-24T14:45:12.123000Z  fastapi-2  all there is"


def test_a_journey_that_is_found_exits_with_0_and_is_plain_text_when_piped(
    sample: Sample, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    sample.complete(ID)
    for variable in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(variable, raising=False)

    assert journey(ID, sample.var_dir, as_json=False) == 0
    *drawn, compared = capsys.readouterr().out.splitlines()
    assert drawn == printed(sample, 100)
    assert compared.startswith("Too few to compare with: 1 task of type calculate_var")

    monkeypatch.setenv("COLUMNS", "140")
    journey(ID, sample.var_dir, as_json=False)
    assert capsys.readouterr().out.splitlines()[:-1] == printed(sample, 140)


def test_a_terminal_gets_colours_unless_it_wants_none(sample: Sample):
    sample.complete(ID)
    found = assemble(ID, find(sample.var_dir, ID))
    drawn = {}
    for no_color in (False, True):
        out = io.StringIO()
        draw(found, Console(file=out, width=100, force_terminal=True, no_color=no_color))
        drawn[no_color] = out.getvalue()

    assert "\x1b[34m" in drawn[False]
    assert "\x1b[34m" not in drawn[True]


def test_json_holds_every_request_its_steps_and_log_lines(sample: Sample, capsys: pytest.CaptureFixture[str]):
    task = sample.complete(ID)
    sample.log(60, "half way", correlation_id=ID, **{"span.id": f"{task.run:016x}"})
    sample.read(ID, 200)

    assert journey(ID, sample.var_dir, as_json=True) == 0
    document = json.loads(capsys.readouterr().out)

    assert (document["correlation_id"], document["tasks"], len(document["requests"])) == (ID, 1, 2)
    request = document["requests"][0]
    assert request["slowest_step"] == request["steps"][5]
    assert request["logs"] == [
        {
            "offset_ms": 60.0,
            "span_id": f"{task.run:016x}",
            "line": {
                "@timestamp": "2026-11-24T14:45:12.183000Z",
                "log.level": "info",
                "message": "half way",
                "service.name": "api",
                "service.node.name": "fastapi-2",
                "correlation_id": ID,
                "span.id": f"{task.run:016x}",
            },
        }
    ]
    assert request["steps"][3] == {
        "name": "wait high",
        "role": "wait",
        "service": "worker",
        "node": "worker-2",
        "version": "1.0",
        "offset_ms": 3.0,
        "duration_ms": 7.0,
        "own_ms": 7.0,
        "what": "waited in high",
        "failed": False,
        "depth": 0,
        "task_id": task.task_id,
        "requested_by": None,
        "source": "span",
        "span_id": f"{task.wait:016x}",
        "parent_span_id": f"{task.publish:016x}",
        "typical": None,
    }
    assert {key: value for key, value in request.items() if key not in {"slowest_step", "steps", "logs"}} == {
        "trace_id": f"{task.trace:032x}",
        "sampled": True,
        "source": "spans",
        "source_note": None,
        "started": "2026-11-24T14:45:12.123000Z",
        "method": "POST",
        "path": "/api/v1/tasks",
        "http_status": 201,
        "code": None,
        "submitted": True,
        "task_id": task.task_id,
        "task_type": "calculate_var",
        "queue": "high",
        "status": "SUCCESS",
        "note": None,
        "total_ms": 110.0,
        "queue_wait_ms": 7.0,
        "run_ms": 100.0,
        "pause_ms": 0.0,
        "rest_ms": 3.0,
        "comparison": {
            "slow": False,
            "step": None,
            "says": "Too few to compare with: 1 task of type calculate_var at about that time; 20 are needed.",
        },
        "effects": [],
        "tasks": [
            {
                "task_id": task.task_id,
                "parent_id": None,
                "task_type": "calculate_var",
                "queue": "high",
                "status": "SUCCESS",
                "note": None,
                "attempt": 1,
                "error": None,
                "attempts": [ATTEMPT],
                "queue_wait_ms": 7.0,
                "run_ms": 100.0,
                "pause_ms": 0.0,
            }
        ],
    }


@pytest.mark.parametrize("as_json", [False, True])
def test_nothing_found_exits_with_1_and_says_where_it_looked(
    sample: Sample, capsys: pytest.CaptureFixture[str], as_json: bool
):
    sample.complete("OTHER-1")
    sample.log(0, "line", correlation_id="OTHER-1")

    assert journey(ID, sample.var_dir, as_json=as_json) == 1

    out, err = capsys.readouterr()
    assert out == ""
    first, looked, hint, seen = err.splitlines()
    assert first == f"Nothing found under the correlation ID {ID}."
    assert looked.startswith(f"Looked in {sample.var_dir / 'log'} and {sample.var_dir / 'spans'}: 4 files, 0.0 MB, ")
    assert looked.endswith(" ago.")
    assert "upper and lower case" in hint
    assert seen == "Seen last: OTHER-1"


def test_where_nothing_ever_ran_it_says_how_to_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert journey(ID, tmp_path, as_json=False) == 1
    assert "`throughline up` starts" in capsys.readouterr().err


@pytest.mark.parametrize("hostile", ["", "a b", 'x"', "../etc", "ü", "\x1b[2J", "x" * 129, "A\n"])
def test_what_cannot_be_an_id_exits_with_2_and_says_what_one_looks_like(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], hostile: str
):
    assert journey(hostile, tmp_path, as_json=False) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert "1 to 128 letters, digits, dots, underscores, colons and hyphens" in err
    assert "\x1b" not in err
