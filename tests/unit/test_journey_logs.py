"""Log lines in their places: under the span they name, else where their task, their trace and the time put them."""

from typing import Any

import pytest

from tests.unit.test_journey_sample import ID, START_MS, Sample, journey
from throughline.journey.log_placement import logs_by_row, timed_line


def places(sample: Sample) -> dict[str, tuple[int, str]]:
    """Message → (number of the request, name of the step)."""
    return {
        line.text("message"): (number, step.name)
        for number, request in enumerate(journey(sample).requests)
        for line in request.logs
        for step in request.steps
        if step.span_id == line.step_id
    }


def test_a_line_stands_under_the_span_that_it_names(sample: Sample):
    sample.complete(ID)
    task = sample.complete(ID, at_ms=500)
    sample.log(5, "late clock", correlation_id=ID, **{"span.id": f"{task.run:016x}"})

    assert places(sample) == {"late clock": (1, "run calculate_var")}


def test_a_line_without_a_span_goes_by_its_task_and_the_time(sample: Sample):
    one, two = sample.complete(ID), sample.complete(ID, at_ms=1)
    sample.log(8, "Took one", correlation_id=ID, task_id=one.task_id)
    sample.log(8, "Took two", correlation_id=ID, task_id=two.task_id)
    sample.log(50, "in the middle of one", correlation_id=ID, task_id=one.task_id)
    sample.log(900, "after the end of one", correlation_id=ID, task_id=one.task_id)
    sample.log(-900, "before one began", correlation_id=ID, task_id=one.task_id)

    assert places(sample) == {
        "Took one": (0, "wait high"),
        "Took two": (1, "wait high"),
        "in the middle of one": (0, "simulate"),
        "after the end of one": (0, "simulate"),
        "before one began": (0, "nginx"),
    }


def test_a_line_of_a_span_that_is_not_written_yet_goes_by_its_trace(sample: Sample):
    task = sample.submission(ID)
    sample.read(ID, 100)
    trace = {"trace.id": f"{task.trace:032x}", "span.id": "f" * 16}
    sample.log(101.5, "from an unknown span", correlation_id=ID, **trace)
    sample.log(101.5, "from nowhere", correlation_id=ID)

    assert places(sample) == {"from an unknown span": (0, "publish high"), "from nowhere": (1, "nginx")}


def test_lines_follow_each_other_by_time_and_keep_all_their_fields(sample: Sample):
    sample.complete(ID)
    for at in (4, 2, 3):
        sample.log(at, f"at {at}", correlation_id=ID, url={"path": "kept"})

    (request,) = journey(sample).requests

    assert [line.text("message") for line in request.logs] == ["at 2", "at 3", "at 4"]
    assert [line.offset_ns for line in request.logs] == [2_000_000, 3_000_000, 4_000_000]
    assert request.logs[0].fields["url"] == {"path": "kept"}


@pytest.mark.parametrize(
    ("timestamp", "milliseconds"),
    [
        ("2026-11-24T14:45:12.123Z", 0),
        ("2026-11-24T14:45:12.123456Z", 0.456),
        ("2026-11-24T15:45:13.123+01:00", 1000),
        ("2026-11-24T14:45:12.123", 0),
    ],
)
def test_any_iso_8601_time_is_understood(timestamp: str, milliseconds: float):
    assert timed_line({"@timestamp": timestamp}).at_ns == START_MS * 10**6 + round(milliseconds * 10**6)


@pytest.mark.parametrize("timestamp", ["yesterday", "", None, 7, ["2026-11-24"]])
def test_a_line_without_a_time_is_kept_without_an_offset(sample: Sample, timestamp: Any):
    sample.complete(ID)
    sample.log(0, "when?", correlation_id=ID, **{"@timestamp": timestamp, "span.id": ["odd"]})

    (line,) = journey(sample).requests[0].logs

    assert (line.text("message"), line.offset_ns) == ("when?", None)


def test_a_line_is_shown_after_the_calls_that_were_made_before_it(sample: Sample):
    task = sample.complete(ID)
    for at, span in ((1.5, task.api), (4.5, task.api), (6, task.nginx), (12, task.run), (105, task.run)):
        sample.log(at, f"at {at}", correlation_id=ID, **{"span.id": f"{span:016x}"})
    (request,) = journey(sample).requests

    rows = logs_by_row(request.steps, request.logs)

    shown = {request.steps[row].name: [line.text("message") for line in lines] for row, lines in rows.items()}
    assert shown == {
        "api": ["at 1.5"],
        "publish high": ["at 4.5", "at 6"],
        "run calculate_var": ["at 12"],
        "simulate": ["at 105"],
    }


def test_lines_of_an_id_without_any_span_are_not_lost(sample: Sample):
    sample.log(0, "all there is", correlation_id=ID)

    assert [line.text("message") for line in journey(sample).loose_logs] == ["all there is"]
