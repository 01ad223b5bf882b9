"""Why a task failed, as the terminal tells it: its error, which attempt, and how those before it ended."""

import io
from typing import Any, Final

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.unit.test_journey_sample import ID, Sample, only_request
from throughline.cli.journey import Wanted, draw
from throughline.cli.terminal import terminal
from throughline.journey import assemble, find
from throughline.journey.attempt_ends import raised_at
from throughline.journey.json_document import to_dict

TYPE = "my_company_revaluation_of_everything"
MESSAGE = "The book EQ-DERIV has no price for 14 of its 230 positions; see https://prices.example.com/" + "a" * 90


STACK: Final = """ValueError
  File "/srv/runner.py", line 9, in call
    task()
  File "/srv/my_tasks.py", line 19, in reval
because of KeyError
  File "/srv/x.py", line 1, in y
"""


def drawn(sample: Sample, width: int = 80, **wanted: Any) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, force_terminal=False)
    draw(assemble(ID, find(sample.var_dir, ID)), console, Wanted(**wanted))
    return out.getvalue().splitlines()


def told(sample: Sample) -> list[str]:
    """What stands between the facts and the picture."""
    lines = drawn(sample, 400)
    return lines[3 if lines[2].startswith("trace") else 2 : lines.index("")]


def end(sample: Sample, at_ms: float, action: str, attempt: int, took_ms: float, **fields: Any) -> None:
    own = {"event.action": action, "attempt": attempt, "duration_ms": took_ms, "task_type": TYPE, "queue": "high"}
    node = fields.pop("node", "worker-2")
    sample.log(at_ms, "an end", service="worker", node=node, correlation_id=ID, **own, **fields)


def failed(sample: Sample, **fields: Any) -> None:
    task = sample.submission(ID)
    error = {"error.type": "ValueError"} | fields
    sample.run(task, ID, 10, 50, status="FAILURE", **{"error.type": "ValueError"})
    end(sample, 50, "task.failed", 1, 40, task_id=task.task_id, status="FAILURE", **error)


def test_an_error_is_told_with_its_class_its_message_and_its_attempt(sample: Sample):
    failed(sample, **{"error.message": MESSAGE})

    assert told(sample) == [f"failed: ValueError: {MESSAGE}", "  attempt 1 on worker-2, 40.0 ms"]


def test_nothing_is_cut_at_eighty_columns_and_a_word_that_is_too_long_has_its_own_line(sample: Sample):
    failed(sample, **{"error.message": MESSAGE})

    lines = drawn(sample)
    wide = [line for line in lines if cell_len(line) > 80]
    assert wide == ["  https://prices.example.com/" + "a" * 90]
    assert MESSAGE in " ".join(" ".join(lines).split())
    assert not any("…" in line for line in lines)


def test_the_line_of_code_stands_in_for_a_message_that_is_not_logged(sample: Sample):
    failed(sample, **{"error.stack_trace": STACK})

    assert told(sample) == [
        "failed: ValueError",
        "  attempt 1 on worker-2, 40.0 ms: ValueError: raised in reval, my_tasks.py line 19",
    ]


def test_attempts_before_are_told_with_why_they_ended(sample: Sample):
    task = sample.submission(ID)
    of_task = {"task_id": task.task_id}
    temporary = {"error.type": "TemporaryError", "error.message": "no answer"}
    end(sample, 50, "task.retried", 1, 40, status="RETRY", **of_task, **temporary)
    lost = {"cause": "lost with process 7 of worker-1", "worker": "worker-1", "node": "monitor"}
    end(sample, 150, "task.handed_back", 2, 40, status="PENDING", **of_task, **lost)
    end(sample, 250, "task.failed", 3, 40, status="FAILURE", **of_task, **{"error.type": "OSError"})

    assert told(sample) == [
        "failed after 3 attempts: OSError",
        "  attempt 1 on worker-2, 40.0 ms: TemporaryError: no answer",
        "  attempt 2 on worker-1, 40.0 ms: lost with process 7 of worker-1",
        "  attempt 3 on worker-2, 40.0 ms",
    ]
    (document,) = to_dict(assemble(ID, find(sample.var_dir, ID)))["requests"][0]["tasks"]
    assert document["error"] == {"type": "OSError", "message": None}
    assert [each["status"] for each in document["attempts"]] == ["RETRY", "RETRY", "FAILURE"]


def test_a_dead_letter_says_so_and_its_last_delivery_is_no_attempt(sample: Sample):
    task = sample.submission(ID)
    lost = {"cause": "lost with process 7 of worker-1", "worker": "worker-1"}
    end(sample, 50, "task.handed_back", 1, 40, status="PENDING", task_id=task.task_id, **lost)
    why = {"error.message": "Delivered 2 times; each time the process that ran it was lost."}
    end(sample, 90, "task.dead_lettered", 1, 1, status="FAILURE", task_id=task.task_id, **why)

    assert told(sample) == [
        "failed: Delivered 2 times; each time the process that ran it was lost.",
        "  attempt 1 on worker-1, 40.0 ms: lost with process 7 of worker-1",
    ]


@pytest.mark.parametrize(("status", "word"), [("SUCCESS", "SUCCESS"), ("REVOKED", "REVOKED")])
def test_a_task_that_did_not_fail_has_nothing_to_explain(sample: Sample, status: str, word: str):
    task = sample.submission(ID)
    sample.run(task, ID, 10, 50, status=status)

    assert told(sample) == []
    assert drawn(sample)[0].startswith(f"{ID}  {word}")


def test_a_cancelled_phase_is_no_failure(sample: Sample):
    task = sample.submission(ID)
    sample.run(task, ID, 10, 50, status="REVOKED")
    of_task = {"correlation_id": ID, "task_id": task.task_id, "phase": "simulate"}
    ids = (task.trace, sample.new_id(), task.run)
    sample.span("simulate", 20, 50, ids, **of_task, failed=True, **{"error.type": "TaskCancelled"})

    (request,) = assemble(ID, find(sample.var_dir, ID)).submissions
    (phase,) = (step for step in request.steps if step.name == "simulate")
    assert (phase.failed, phase.what) == (False, "simulate: cancelled")


def test_a_pipe_gets_whole_lines_without_colour(
    sample: Sample, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("COLUMNS", raising=False)
    failed(sample, **{"error.message": MESSAGE})
    draw(assemble(ID, find(sample.var_dir, ID)), terminal())

    lines = capsys.readouterr().out.splitlines()
    assert f"failed: ValueError: {MESSAGE}" in lines
    assert any(line.endswith("ran calculate_var → FAILURE: ValueError") for line in lines)
    assert not any("\x1b" in line or "…" in line for line in lines)


def test_what_raised_an_error_is_the_innermost_line_of_the_latest_one():
    assert raised_at({}) == ""
    assert raised_at({"error.stack_trace": "ValueError"}) == ""


def test_a_lost_attempt_took_until_its_last_sign_of_life_and_what_followed_is_told_apart(sample: Sample):
    task = sample.submission(ID)
    back: dict[str, Any] = {"status": "PENDING", "worker": "worker-1", "cause": "lost with worker-1"}
    end(sample, 11_010, "task.put_back", 1, 1200, task_id=task.task_id, lost_ms=9800, **back)
    sample.run(task, ID, 11_050, 11_100, attempt=2, published=11_010, ids=(901, 902))

    (first, _) = only_request(sample).tasks[0].ends
    assert (first.took_ns, first.lost_ns) == (1200 * 10**6, 9800 * 10**6)
    assert first.words == "attempt 1 on worker-1, 1.20 s and 9.80 s without a sign of life: lost with worker-1"


def test_a_loss_that_only_spans_tell_of_is_told_the_same(sample: Sample):
    task = sample.submission(ID)
    lost: dict[str, Any] = {"worker": "worker-1", "cause": "lost with worker-1", "attempt": 1}
    sample.run(task, ID, 10, 1210, status="RETRY", **lost)
    of_loss = {"correlation_id": ID, "task_id": task.task_id, "task_type": "calculate_var"} | lost
    sample.span("lost calculate_var", 1210, 11_010, (task.trace, 900, task.run), **of_loss)
    sample.run(task, ID, 11_050, 11_100, attempt=2, published=11_010, ids=(901, 902))

    (first, _) = only_request(sample).tasks[0].ends
    assert first.words == "attempt 1 on worker-1, 1.20 s and 9.80 s without a sign of life: lost with worker-1"
