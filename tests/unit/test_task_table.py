"""The table of `throughline tasks`, on terminals of several widths."""

import io
from typing import Any

from rich.console import Console

from throughline.cli.task_table import draw

WORDS = "the matrix is not positive definite, and why that is so is a long story that has to be told at length"


def task(number: int, **told: Any) -> dict[str, Any]:
    return {
        "task_id": f"ca738823-5eaa-4120-b087-9745de70bd{number:02}",
        "task_type": "calculate_var",
        "status": "SUCCESS",
        "correlation_id": "ULTIMATE-SUCCESS-123",
        "queue": "medium",
        "submitted_at": "2026-11-25T17:45:15.563425+01:00",
        "queue_wait_ms": 4.12,
        "run_ms": 41.2,
        "attempts": [{"worker": "worker-2"}],
    } | told


WAITING = task(2, status="PENDING", queue_wait_ms=None, run_ms=None, attempts=[])
FAILED = task(
    3,
    status="FAILURE",
    error={"type": "ValueError", "message": WORDS},
    attempts=[{"worker": "worker-1", "cause": "lost with worker-1"}, {"worker": "worker-3"}],
    run_ms=90_123,
)


def drawn(*tasks: dict[str, Any], width: int, colour: bool = False) -> str:
    out = io.StringIO()
    draw(
        tasks,
        Console(
            file=out, width=width, highlight=False, force_terminal=colour, color_system="standard" if colour else None
        ),
    )
    return out.getvalue()


def test_a_wide_terminal_has_a_line_for_each_task_and_its_error_at_the_end():
    assert drawn(task(1), WAITING, FAILED, width=300).splitlines() == [
        "submitted UTC   status   type           queue      wait       run  attempts    "
        "task ID                               correlation ID        error",
        "11-25 16:45:15  SUCCESS  calculate_var  medium  4.12 ms   41.2 ms  1 worker-2  "
        "ca738823-5eaa-4120-b087-9745de70bd01  ULTIMATE-SUCCESS-123",
        "11-25 16:45:15  PENDING  calculate_var  medium        –         –  –           "
        "ca738823-5eaa-4120-b087-9745de70bd02  ULTIMATE-SUCCESS-123",
        "11-25 16:45:15  FAILURE  calculate_var  medium  4.12 ms  1 m 30 s  2 worker-3  "
        f"ca738823-5eaa-4120-b087-9745de70bd03  ULTIMATE-SUCCESS-123  ValueError: {WORDS}",
    ]


def test_eighty_columns_have_below_what_does_not_fit_and_cut_nothing():
    assert drawn(task(1, task_type="portfolio_optimization"), FAILED, width=80).splitlines() == [
        "submitted UTC   status   queue      wait       run  attempts",
        "11-25 16:45:15  SUCCESS  medium  4.12 ms   41.2 ms  1 worker-2",
        "  portfolio_optimization  ca738823-5eaa-4120-b087-9745de70bd01",
        "    ULTIMATE-SUCCESS-123",
        "11-25 16:45:15  FAILURE  medium  4.12 ms  1 m 30 s  2 worker-3",
        "  calculate_var  ca738823-5eaa-4120-b087-9745de70bd03  ULTIMATE-SUCCESS-123",
        "  ValueError: the matrix is not positive definite, and why that is so is a",
        "    long story that has to be told at length",
        "    attempt 1 on worker-1: lost with worker-1",
    ]


def test_an_id_is_never_cut_off():
    long = "x" * 128
    assert long in drawn(task(1, correlation_id=long), width=80)


def test_without_failures_there_is_no_column_for_them():
    assert "error" not in drawn(task(1), WAITING, width=300)


def test_what_a_stranger_named_cannot_command_the_terminal():
    shown = drawn(task(1, task_type="\x1b[2Jmine", correlation_id="a\nb"), width=200)
    assert "\x1b" not in shown
    assert "�[2Jmine" in shown
    assert len(shown.splitlines()) == 2


def test_states_have_colours_on_a_terminal_that_has_them():
    assert "\x1b[31mFAILURE" in drawn(FAILED, width=300, colour=True)
    assert "\x1b" not in drawn(FAILED, width=300)
