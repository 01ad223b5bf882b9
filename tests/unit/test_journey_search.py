"""The search: all lines of an ID, none of any other, whatever else the files hold."""

import os
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_journey_sample import Sample, exported, readable
from throughline.journey import find, search
from throughline.journey.files_overview import files_overview

IDS = st.from_regex(r"[A-Za-z0-9._:-]{1,12}", fullmatch=True)


def messages(sample: Sample, correlation_id: str) -> list[str]:
    return sorted(line["message"] for line in find(sample.var_dir, correlation_id).log_lines)


def test_every_file_of_lines_is_read_rotated_ones_too(sample: Sample):
    for name in ("a.jsonl", "a.jsonl.1", "a.jsonl.2", "b.jsonl"):
        sample.write(f"log/{name}", orjson.dumps({"correlation_id": "ABC-1", "message": name}) + b"\n")
    sample.complete("ABC-1")
    spans = sample.var_dir / "spans"
    (spans / "worker-2.jsonl").rename(spans / "worker-2.jsonl.1")

    assert messages(sample, "ABC-1") == ["a.jsonl", "a.jsonl.1", "a.jsonl.2", "b.jsonl"]
    assert len(find(sample.var_dir, "ABC-1").spans) == 6


def test_other_files_are_not_read(sample: Sample):
    for name in ("log/redis.log", "log/nginx.err", "log/a.jsonl.old"):
        sample.write(name, b'{"correlation_id":"ABC-1","message":"no"}\n')

    assert not find(sample.var_dir, "ABC-1")


def test_a_file_that_is_there_under_two_names_is_read_once(sample: Sample):
    sample.log(0, "once", correlation_id="ABC-1")
    log = sample.var_dir / "log"
    os.link(log / "fastapi-2.jsonl", log / "fastapi-2.jsonl.1")

    assert messages(sample, "ABC-1") == ["once"]


@pytest.mark.parametrize("other", ["ABC-12", "XABC-1", "abc-1", "ABC.1"])
def test_an_id_that_only_looks_alike_is_not_found(sample: Sample, other: str):
    sample.log(0, "other", correlation_id=other)
    sample.complete(other)

    assert not find(sample.var_dir, "ABC-1")


def test_an_id_in_another_field_is_not_found(sample: Sample):
    sample.log(0, 'it said "correlation_id":"ABC-1"', task_id="ABC-1", correlation_id="OTHER")
    sample.log(0, "nested", nested={"correlation_id": "ABC-1"})
    sample.span("validate", 0, 1, (1, 2, 3), correlation_id="OTHER", task_id="ABC-1")

    assert not find(sample.var_dir, "ABC-1")


def test_of_a_whole_batch_only_the_ids_own_spans_are_taken(sample: Sample):
    batch = [
        readable("api", n, n + 1, (n, n, 0), service="api", node="fastapi-1", correlation_id=f"ABC-{n % 128}")
        for n in range(1, 513)
    ]
    sample.write("spans/fastapi-1.jsonl", exported(*batch))

    assert [int(span.span_id, 16) for span in find(sample.var_dir, "ABC-1").spans] == [1, 129, 257, 385]


def test_a_span_that_makes_no_sense_does_not_hide_the_others(sample: Sample):
    batch = [
        readable("api", n, n + 1, (1, n, 0), service="api", node="fastapi-1", correlation_id="ABC-1")
        for n in range(1, 10)
    ]
    export = orjson.loads(exported(*batch))
    spans = export["resourceSpans"][0]["scopeSpans"][0]["spans"]
    del spans[0]["traceId"]
    spans[1]["startTimeUnixNano"] = "soon"
    spans[2]["endTimeUnixNano"] = "9" * 40
    spans[3]["startTimeUnixNano"] = None
    spans[4]["attributes"].append({"key": "attempt", "value": {"intValue": "many"}})
    spans[5]["attributes"].append({"key": "request_time", "value": {"stringValue": "inf"}})
    spans[6]["attributes"].append({"key": "status", "value": {"arrayValue": {"values": []}}})
    spans[7] = "no span"
    sample.write("spans/fastapi-1.jsonl", orjson.dumps(export) + b"\n")

    assert [int(span.span_id, 16) for span in find(sample.var_dir, "ABC-1").spans] == [5, 7, 9]


def test_what_is_no_line_of_json_is_passed_over(sample: Sample):
    sample.write("log/a.jsonl", b'Traceback (most recent call last):\n{"correlation_id":"ABC-1" torn\n')
    sample.write("log/a.jsonl", b'["correlation_id","correlation_id":"ABC-1"]\n\n\x00\n')
    sample.write("log/a.jsonl", b'{"message":"first","correlation_id":"ABC-1"}\n')
    sample.write("log/a.jsonl", b'{"message":"caf\xe9","correlation_id":"ABC-1"}\n')
    sample.write("log/a.jsonl", b'{"message":"torn","correlation_id":"ABC-1","url')
    sample.write("spans/a.jsonl", b'{"resourceSpans":[{"key":"correlation_id","value":{"stringValue":"ABC-1"}}')
    sample.write("log/empty.jsonl", b"")

    assert messages(sample, "ABC-1") == ["caf�", "first"]


def test_a_last_line_without_its_newline_counts_when_it_is_whole(sample: Sample):
    sample.write("log/a.jsonl", b'{"message":"whole","correlation_id":"ABC-1"}')

    assert messages(sample, "ABC-1") == ["whole"]


def test_no_folders_means_nothing_found(tmp_path: Path):
    assert not find(tmp_path / "nowhere", "ABC-1")


def test_a_file_that_cannot_be_read_does_not_hide_the_others(sample: Sample):
    (sample.var_dir / "log" / "a.jsonl").symlink_to("vanished")
    (sample.var_dir / "log" / "b.jsonl").mkdir()
    sample.log(0, "there", correlation_id="ABC-1")

    assert messages(sample, "ABC-1") == ["there"]


@given(
    lines=st.lists(st.tuples(st.sampled_from(["ABC-1", "ABC-12", "-"]), st.integers(0, 90)), max_size=12),
    block=st.integers(1, 200),
    ended=st.booleans(),
)
def test_every_line_is_found_wherever_a_block_ends(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, int]], block: int, ended: bool
):
    sample = Sample(tmp_path_factory.mktemp("var") / "var")
    numbered = [{"correlation_id": id_, "n": n, "pad": "x" * pad} for n, (id_, pad) in enumerate(lines)]
    text = b"\n".join(map(orjson.dumps, numbered)) + (b"\n" if ended else b"")
    sample.write("log/a.jsonl", text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "_BLOCK_BYTES", block)
        found = find(sample.var_dir, "ABC-1").log_lines

    assert found == [line for line in numbered if line["correlation_id"] == "ABC-1"]


@given(wanted=IDS, other=IDS)
def test_an_id_finds_its_own_lines_and_no_others(tmp_path_factory: pytest.TempPathFactory, wanted: str, other: str):
    sample = Sample(tmp_path_factory.mktemp("var") / "var")
    sample.log(0, "wanted", correlation_id=wanted)
    sample.log(0, "other", correlation_id=other)

    assert messages(sample, wanted) == (["other", "wanted"] if wanted == other else ["wanted"])


def test_the_survey_says_what_there_is(sample: Sample):
    for number in range(5):
        sample.log(number, "line", correlation_id=f"ABC-{number}")
    sample.complete("SPAN-1")
    sample.write("log/empty.jsonl", b"")
    newest = sample.var_dir / "log" / "fastapi-2.jsonl"
    os.utime(newest, (newest.stat().st_atime, newest.stat().st_mtime + 60))

    there = files_overview(sample.var_dir)

    assert there.files == 4
    assert there.size == sum(path.stat().st_size for path in sample.var_dir.glob("*/*.jsonl"))
    assert there.newest_age_seconds < 60
    assert there.recent_ids == ("ABC-4", "ABC-3", "ABC-2")
