"""Why one request was slow: the step that differs most from those like it is named, or that nothing does."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.unit.test_journey_sample import START_MS, Sample, journey, only_request
from throughline.cli.journey import draw
from throughline.cli.typical import Typical
from throughline.journey import to_dict
from throughline.journey.comparison import ENOUGH, Comparison, compare, window_around
from throughline.journey.current_step import with_current_steps
from throughline.journey.journey import Request
from throughline.profile import Profile, local_files

NOW = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=START_MS, minutes=1)


def profiles(sample: Sample) -> dict[str, Profile]:
    (sample.var_dir / "spans").mkdir(exist_ok=True)
    any_request = journey(sample, "LIKE-0").requests[0]
    found = local_files.profile(sample.var_dir, window_around(any_request, NOW))
    return {each.task_type: found for each in found.types}


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """Some tasks as they usually are: 7 ms in the queue, 100 ms at work."""
    made = Sample(tmp_path / "var")
    for number in range(40):
        made.complete(f"LIKE-{number}", at_ms=1000 + number * 200)
    return made


def said(sample: Sample, request: Request) -> Comparison:
    compared = compare(request, profiles(sample))
    assert compared
    return compared


def test_a_long_wait_is_named_with_what_is_typical(sample: Sample):
    task = sample.submission("SLOW")
    sample.run(task, "SLOW", 4100, 4200)
    compared = said(sample, only_request(sample, "SLOW"))

    assert compared.words == "Slow in wait high: 4.10 s, typically 7.00 ms (p95 7.00 ms)."
    assert (compared.is_slow, compared.sentence[1]) == (True, "wait high")


def test_the_phase_is_named_and_not_the_run_around_it(sample: Sample):
    task = sample.submission("SLOW")
    sample.run(task, "SLOW", 10, 2010)
    sample.phase("simulate", 20, 1990, task, "SLOW")

    assert said(sample, only_request(sample, "SLOW")).words.startswith("Slow in simulate: 1.97 s, typically 80.0 ms")


def test_the_run_is_named_when_none_of_its_phases_accounts_for_it(sample: Sample):
    task = sample.submission("SLOW")
    sample.run(task, "SLOW", 10, 2010)
    sample.phase("simulate", 20, 110, task, "SLOW")

    assert said(sample, only_request(sample, "SLOW")).words.startswith("Slow in run calculate_var: 2.00 s")


def test_it_says_that_only_some_of_those_like_it_left_spans(sample: Sample):
    for number in range(40):
        sampled: dict[str, Any] = {} if number % 4 else {"trace.sampled": False}
        of_task = {"event.action": "task.submitted", "task_type": "calculate_var", "correlation_id": f"LIKE-{number}"}
        sample.log(1000 + number * 200, "Accepted", **of_task, **sampled)
    compared = said(sample, journey(sample, "LIKE-7").requests[0])

    told = "It is compared with those that left spans: 30 of 40 tasks submitted in that time were sampled (75 %)."
    assert compared.words.endswith(f"like it. {told}")


def test_a_usual_request_is_said_to_be_usual(sample: Sample):
    compared = said(sample, journey(sample, "LIKE-7").requests[0])

    assert not compared.is_slow
    assert compared.words == "Not slower than usual: no step that matters took longer than 95 of 100 like it."


def test_what_is_longer_than_usual_but_short_does_not_matter(sample: Sample):
    task = sample.submission("ODD")
    sample.run(task, "ODD", 12, 112, published=3)  # 9 ms in the queue: longer than any

    assert not said(sample, only_request(sample, "ODD")).is_slow


def test_with_too_few_to_compare_it_says_how_many_are_needed(tmp_path: Path):
    few = Sample(tmp_path / "few")
    for number in range(ENOUGH - 1):
        few.complete(f"LIKE-{number}", at_ms=number * 200)
    compared = said(few, journey(few, "LIKE-3").requests[0])

    assert compared.words == (
        "Too few to compare with: 19 tasks of type calculate_var at about that time; 20 are needed."
    )
    few.complete("LIKE-0", at_ms=9000)
    assert said(few, journey(few, "LIKE-3").requests[0]).typical


def test_a_task_that_needed_three_attempts_is_one_task_of_too_few(tmp_path: Path):
    few = Sample(tmp_path / "few")
    task = few.submission("LIKE-0")
    for attempt in (1, 2, 3):
        ids, begin = (few.new_id(), few.new_id()), attempt * 100
        few.run(task, "LIKE-0", begin, begin + 50, attempt=attempt, published=begin - 10, ids=ids)

    assert "Too few to compare with: 1 task of" in said(few, only_request(few, "LIKE-0")).words


def test_a_second_attempt_is_why_when_most_need_one(sample: Sample):
    task = sample.submission("AGAIN")
    sample.run(task, "AGAIN", 10, 50, status="RETRY", **{"error.type": "ConnectionError"})
    sample.run(task, "AGAIN", 60_050, 60_150, published=50, attempt=2, ids=(sample.new_id(), sample.new_id()))
    compared = said(sample, only_request(sample, "AGAIN"))

    assert compared.words.startswith("Slow because of another attempt: 1 m 00 s went by after the first.")


def test_a_task_that_still_runs_is_compared_so_far(sample: Sample):
    task = sample.submission("RUNS")
    common = {"correlation_id": "RUNS", "task_id": task.task_id, "task_type": "calculate_var"}
    sample.span("wait high", 3, 10, (task.trace, task.wait, task.publish), queue="high", attempt=1, **common)
    events = {"event.action": "task.started", "status": "STARTED", "attempt": 1, "queue": "high"}
    sample.log(10, "Runs", service="worker", node="worker-2", **common, **events)
    request = with_current_steps(only_request(sample, "RUNS"), {task.task_id}, NOW)

    assert said(sample, request).words.startswith("Slow in run calculate_var: 1 m 00 s so far, typically 100 ms")


def test_a_request_without_a_task_is_compared_with_nothing(sample: Sample):
    sample.read("READ", 5)

    assert compare(only_request(sample, "READ"), profiles(sample)) is None


@pytest.mark.parametrize(("width", "heads"), [(80, ["p50"]), (120, ["p50", "p95"])])
def test_the_terminal_shows_the_typical_beside_each_step(sample: Sample, width: int, heads: list[str]):
    task = sample.submission("SLOW")
    sample.run(task, "SLOW", 4100, 4200)
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, force_terminal=False)
    draw(journey(sample, "SLOW"), console, compare=Typical(sample.var_dir).compare)
    lines = out.getvalue().splitlines()

    head, wait = next(line for line in lines if "took" in line), next(line for line in lines if "waited" in line)
    assert [word for word in head.split() if word in {"p50", "p95"}] == heads
    assert wait.split("░")[0].split() == ["3.00", "ms", "4.10", "s", *["7.00", "ms"] * len(heads)]
    assert lines[-1].startswith("Slow in wait high: 4.10 s, typically")
    assert all(cell_len(line) <= width for line in lines)


def test_the_journey_is_shown_when_what_is_typical_cannot_be_had(sample: Sample, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ELASTICSEARCH_URL", "http://127.0.0.1:1")

    assert Typical(sample.var_dir).compare(journey(sample, "LIKE-7").requests[0]) is None


def test_json_has_the_typical_of_each_step_and_the_sentence(sample: Sample):
    task = sample.submission("SLOW")
    sample.run(task, "SLOW", 4100, 4200)
    (request,) = to_dict(journey(sample, "SLOW"), Typical(sample.var_dir).compare)["requests"]

    wait = next(step for step in request["steps"] if step["role"] == "wait")
    assert wait["typical"] == {"count": 41, "p50_ms": 7.0, "p95_ms": 7.0}
    assert request["comparison"]["slow"]
    assert request["comparison"]["step"] == "wait high"
