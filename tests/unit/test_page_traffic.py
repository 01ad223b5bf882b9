"""What access lines say: failures, and the requests worth showing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from monitor.page.telemetry_source import telemetry_source
from monitor.page.traffic import MOST_LINES, Answered, traffic
from throughline.settings import MonitorSettings

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def line(correlation_id: str, status: int = 201, request: str = "POST /api/v1/tasks", ago: float = 1) -> dict[str, Any]:
    method, path = request.split()
    return {
        "@timestamp": (NOW - timedelta(seconds=ago)).isoformat(timespec="milliseconds"),
        "correlation_id": correlation_id,
        "http.request.method": method,
        "url.path": path,
        "http.response.status_code": status,
        "duration_ms": 3,
    }


def test_failures_are_counted_within_five_minutes():
    seen = traffic([line("A"), line("B", 503), line("C", 422), line("D", 500, ago=299), line("E", 500, ago=301)], NOW)

    assert (seen.answered, seen.refused, seen.failed, seen.seconds) == (4, 1, 2, 300)


def test_answers_are_counted_by_the_version_of_the_replica_that_gave_them():
    lines = [line("A") | {"upstream.version": "1.4"}, line("B", 500) | {"upstream.version": "1.5"}]
    lines += [line("C") | {"upstream.version": "1.5"}, line("D", 502) | {"upstream.version": "none"}, line("E")]

    assert traffic(lines, NOW).by_version == {"1.4": Answered(1, 0), "1.5": Answered(2, 1), "none": Answered(2, 1)}


def test_when_there_are_too_many_it_says_how_far_back_they_reach():
    seen = traffic((line("A", ago=n / 100) for n in range(MOST_LINES + 500)), NOW)

    assert seen.answered == MOST_LINES
    assert seen.seconds == pytest.approx(9.99)


def test_submissions_and_refusals_are_shown_once_each_and_reads_that_went_well_are_not():
    read = "GET /api/v1/tasks/1"
    lines = [line("A"), line("B", 200, read), line("C", 404, read), line("A", 422, ago=2), line("D", ago=9999)]

    assert [(r.correlation_id, r.status) for r in traffic(lines, NOW).recent] == [("A", 201), ("C", 404), ("D", 201)]


def test_how_many_tasks_an_id_has_submitted_is_told():
    lines = [line("A"), line("A", ago=1), line("B"), line("A", 422, ago=2), line("A", 200, "GET /api/v1/tasks/1")]

    assert [(r.correlation_id, r.submissions) for r in traffic(lines, NOW).recent] == [("A", 2), ("B", 1)]


@pytest.mark.parametrize("odd", [{"@timestamp": "today"}, {"http.response.status_code": None}, {"duration_ms": "long"}])
def test_a_line_that_is_not_what_it_should_be_hides_no_other(odd: dict[str, Any]):
    assert traffic([line("A") | odd, {}, line("B")], NOW).answered == 1


def test_the_end_of_nginx_file_is_read_newest_first_and_across_a_rotation(tmp_path: Path):
    folder = tmp_path / "log"
    folder.mkdir()
    now = datetime.now(UTC)

    def written(*lines: dict[str, Any]) -> bytes:
        return b"".join(orjson.dumps(each | {"@timestamp": now.isoformat()}) + b"\n" for each in lines)

    (folder / "nginx.jsonl.1").write_bytes(written(line("OLD-1"), line("OLD-2")))
    (folder / "nginx.jsonl").write_bytes(written(line("NEW-1"), line("X", 200, "GET /journeys/NEW-1")) + b'{"torn":')

    seen = telemetry_source(MonitorSettings(var_dir=tmp_path)).traffic()

    assert [request.correlation_id for request in seen.recent] == ["NEW-1", "OLD-2", "OLD-1"]
    assert seen.answered == 3


def test_where_nothing_was_written_there_was_no_traffic(tmp_path: Path):
    assert telemetry_source(MonitorSettings(var_dir=tmp_path)).traffic().answered == 0


def test_a_minute_can_be_cut_down_to_the_time_of_what_it_is_compared_with():
    lines = [line(f"ID-{ago}", ago=ago) for ago in (1, 4, 8, 50)]
    seen = traffic(lines, NOW)
    cut = seen.within(5)
    assert (sum(each.count for each in cut.minute.values()), cut.minute_seconds) == (2, 5)
    assert cut.answered == seen.answered == 4
    assert seen.within(0) == seen.within(60) == seen
