"""The profile of a local run: each span of the time in question counts once, and no other."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.test_journey_sample import START_MS, Sample
from throughline.profile import Figures, Key, Profile, Step, Window, local_files
from throughline.profile.document import to_dict
from throughline.profile.explanation import explanation
from throughline.profile.sampling import share_sampled

START = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=START_MS)
MS = 10**6


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return Sample(tmp_path / "var")


def read(sample: Sample, begin_ms: int = -1000, end_ms: int = 10**9, task_type: str = "") -> Profile:
    window = Window(START + timedelta(milliseconds=begin_ms), START + timedelta(milliseconds=end_ms))
    return local_files.profile(sample.var_dir, window, task_type)


def counts(profile: Profile, task_type: str = "calculate_var") -> dict[str, int]:
    of_type = profile.of(task_type)
    return {step.key.name: step.figures.count for step in (*of_type.steps, *of_type.phases)} if of_type else {}


def figures(profile: Profile) -> dict[Key, Figures]:
    return {step.key: step.figures for each in profile.types for step in (*each.steps, *each.phases)}


def test_each_step_of_a_task_has_its_duration(sample: Sample):
    sample.complete("ABC-1")

    found = {key.name: measured.p50_ns / MS for key, measured in figures(read(sample)).items()}
    assert found == {"nginx": 6, "api": 4, "publish": 2, "wait": 7, "run": 100, "simulate": 80}


def test_what_only_asks_for_a_task_is_no_step_of_it(sample: Sample):
    sample.complete("ABC-1")
    for at in range(5):
        sample.read("ABC-1", 200 + at)

    assert counts(read(sample)) == {"nginx": 1, "api": 1, "publish": 1, "wait": 1, "run": 1, "simulate": 1}


def test_each_attempt_counts_and_the_pause_before_a_retry_is_no_wait_in_the_queue(sample: Sample):
    task = sample.submission("ABC-1")
    sample.run(task, "ABC-1", 10, 50, status="RETRY")
    sample.run(task, "ABC-1", 60_000, 60_100, published=50, attempt=2, ids=(sample.new_id(), sample.new_id()))

    found = figures(read(sample))
    assert found[Key("calculate_var", Step.RUN)].count == 2
    assert found[Key("calculate_var", Step.WAIT)].p99_ns == 7 * MS
    assert found[Key("calculate_var", Step.WAIT_AGAIN)].p50_ns == 59_950 * MS


def test_what_is_written_again_for_a_killed_process_counts_once(sample: Sample):
    task = sample.submission("ABC-1")
    of_task = {"correlation_id": "ABC-1", "task_id": task.task_id, "task_type": "calculate_var"}
    of_another = {"worker": "worker-1"}
    for attempt, wait, run, written in (
        (1, task.wait, task.run, ({}, of_another)),  # its process had written them before it was killed
        (2, 901, 902, (of_another, of_another)),
    ):
        for again in written:
            told = of_task | again | {"attempt": attempt}
            sample.span("wait high", attempt * 50, attempt * 50 + 10, (task.trace, wait, task.publish), **told)
            sample.span("run calculate_var", attempt * 50 + 10, attempt * 50 + 40, (task.trace, run, wait), **told)

    assert counts(read(sample)) == {"nginx": 1, "api": 1, "publish": 1, "wait": 1, "wait again": 1, "run": 2}


def test_types_of_tasks_are_told_apart_and_one_may_be_asked_for(sample: Sample):
    sample.complete("ABC-1")
    sample.submission("ABC-2", task_type="calculate_var_of_all")

    assert counts(read(sample), "calculate_var_of_all") == {"nginx": 1, "api": 1, "publish": 1}
    assert [each.task_type for each in read(sample, task_type="calculate_var").types] == ["calculate_var"]
    assert not read(sample, task_type="calculate")


def test_a_step_belongs_to_the_time_in_which_it_began(sample: Sample):
    for at in (0, 1000, 2000):
        sample.complete("ABC-1", at)

    assert counts(read(sample, 1000, 2000))["nginx"] == 1  # began at 1000: NGINX writes the end as the start
    assert counts(read(sample, 1011, 2010)) == {"nginx": 1, "api": 1, "publish": 1, "wait": 1, "simulate": 1}


def test_the_time_before_is_not_read_and_what_counts_is_found_whatever_the_size_of_the_file(sample: Sample):
    times = '"startTimeUnixNano":"%d","endTimeUnixNano":"%d"'
    span = '{"traceId":"%s","spanId":"1","name":"api","kind":2,' + times + ',"attributes":[%s]}'
    attributes = '{"key":"task_type","value":{"stringValue":"calculate_var"}}'
    head = '{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"api"}}]},'
    line = head + '"scopeSpans":[{"spans":[%s]}]}]}\n'
    begin = START_MS * MS
    with (sample.var_dir / "spans" / "fastapi-1.jsonl").open("w") as file:
        for second in range(10_000):  # 3 MB
            at = begin + second * 10**9
            file.write(line % (span % ("a" * 32, at, at + MS, attributes)))

    for first, last in ((0, 10_000), (1, 10_000), (5000, 5001), (9_999, 20_000), (20_000, 30_000), (3, 9_998)):
        expected = max(0, min(last, 10_000) - first)
        assert counts(read(sample, first * 1000, last * 1000)).get("api", 0) == expected


def test_rotated_files_count_and_what_is_broken_hides_nothing(sample: Sample):
    sample.complete("ABC-1")
    spans = sample.var_dir / "spans"
    (spans / "worker-2.jsonl").rename(spans / "worker-2.jsonl.1")
    sample.complete("ABC-2", 500)
    sample.write("spans/worker-2.jsonl", b'{"resourceSpans":[{"key":"task_type","value":{"stringValue":"\n')
    sample.write("spans/worker-2.jsonl", b'{"resourceSpans":7,"x":{"key":"task_type","value":{"stringValue":"x"}}}\n')
    sample.write("spans/worker-2.jsonl", b"\xff\xfe\n\n")
    sample.complete("ABC-3", 900)

    assert set(counts(read(sample)).values()) == {3}


def test_without_files_there_is_nothing(tmp_path: Path):
    assert not local_files.profile(tmp_path / "var", Window(START, START + timedelta(hours=1)))


def submitted(sample: Sample, at_ms: float, task_type: str = "calculate_var", **fields: Any) -> None:
    own = {"event.action": "task.submitted", "task_type": task_type, "correlation_id": "ABC-1"}
    sample.log(at_ms, "Accepted", **own | fields)


def test_it_says_how_many_tasks_left_no_spans(sample: Sample):
    sample.complete("ABC-1")
    unsampled: dict[str, Any] = {"trace.sampled": False}
    for at_ms in (1, 2, 3):
        submitted(sample, at_ms, **unsampled)
    submitted(sample, 4)
    submitted(sample, 5, "word_count", **unsampled)
    submitted(sample, 10_000, **unsampled)

    within, of_one = read(sample, end_ms=5000), read(sample, end_ms=5000, task_type="calculate_var")

    assert share_sampled(within.sampling) == "1 of 5 tasks submitted in that time were sampled (20 %)"
    assert (of_one.sampling.submitted, of_one.sampling.unsampled) == (4, 3)
    assert "1 of 4 tasks" in explanation(of_one)
    assert to_dict(of_one)["tasks"] == {"submitted": 4, "sampled": 1}


def test_it_says_nothing_of_sampling_where_all_tasks_left_spans(sample: Sample):
    sample.complete("ABC-1")
    submitted(sample, 1)

    assert "sampled" not in explanation(read(sample))
