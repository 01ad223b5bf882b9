"""When what clients get after a switch is bad enough to switch back."""

import json

import pytest

from deploy.blue_green.answers import Answer, answers, excused, faults
from deploy.blue_green.error_rate import Count, ErrorRate, count


def test_answers_are_those_of_the_api_and_nothing_else_that_nginx_writes() -> None:
    text = "\n".join(
        [
            _line("a", 201),
            _line("b", 502, path="/api/v1/tasks/1"),
            _line("c", 500, path="/journeys/x"),
            _line("d", 503, path="/health/ready"),
            "2026/11/26 02:00:00 [notice] 1#1: signal process started",
            '{"half": ',
            "[]",
        ]
    )
    assert [(each.correlation_id, each.status) for each in answers(text)] == [("a", 201), ("b", 502)]


def test_a_refusal_by_the_breaker_is_no_versions_fault_and_one_for_want_of_redis_is() -> None:
    said = "\n".join(
        json.dumps({"event.action": "task.rejected", "correlation_id": name, "code": code})
        for name, code in {"a": "CIRCUIT_OPEN", "b": "MEMORY_FULL", "c": "BROKER_UNAVAILABLE"}.items()
    )
    seen = count([_answer("a", 503), _answer("b", 503), _answer("c", 503), _answer("d", 201)], excused(said))
    assert (seen.answers, seen.errors, seen.samples) == (4, 1, ("c",))


def test_a_client_error_is_no_error() -> None:
    assert count([_answer("a", 422), _answer("b", 404), _answer("c", 429), _answer("d", 499)]).errors == 0


@pytest.mark.parametrize(
    ("before", "seen", "is_bad"),
    [
        pytest.param(Count(1000, 0), Count(1000, 10), False, id="at the limit"),
        pytest.param(Count(1000, 0), Count(1000, 11), True, id="above it"),
        pytest.param(Count(), Count(2, 2), False, id="two errors are not judged, even of two answers"),
        pytest.param(Count(), Count(3, 3), True, id="three are"),
        pytest.param(Count(1000, 50), Count(1000, 55), False, id="a client that always fails was there before"),
        pytest.param(Count(1000, 50), Count(1000, 70), True, id="worse than before"),
        pytest.param(Count(100, 100), Count(100, 100), False, id="it cannot be worse than that"),
    ],
)
def test_bad_is_a_share_above_the_one_before_and_the_limit(before: Count, seen: Count, is_bad: bool) -> None:
    rate = ErrorRate(before, max_percent=1)
    rate.add(seen)
    assert bool(rate.bad()) == is_bad


def test_an_outage_after_a_long_good_time_is_seen_at_once() -> None:
    rate = ErrorRate(Count(1000, 0), max_percent=1)
    for _ in range(100):
        rate.add(Count(1000, 0))
    assert rate.bad() is None
    rate.add(Count(1000, 900, ("x", "y", "z")))
    assert rate.since.percent < 1
    assert rate.bad() == Count(5000, 900, ("x", "y", "z"))


def test_a_few_errors_again_and_again_are_seen_in_the_sum() -> None:
    rate = ErrorRate(Count(), max_percent=1)
    for number in range(20):
        rate.add(Count(10, int(number % 4 == 0)))
        if rate.bad():
            break
    assert rate.since.errors == 3


def test_the_first_three_correlation_ids_are_kept() -> None:
    seen = count([_answer(name, 500) for name in "abcde"])
    assert seen.samples == ("a", "b", "c")


def test_a_colours_faults_are_its_lines_of_level_error_and_its_answers_of_500() -> None:
    text = "\n".join(
        json.dumps(line)
        for line in [
            {"log.level": "info", "message": "fine", "http.response.status_code": 201},
            {"log.level": "error", "message": "broken"},
            {"log.level": "info", "message": "answered 500", "http.response.status_code": 500},
        ]
    )
    assert faults(text) == ["broken", "answered 500"]


def _answer(correlation_id: str, status: int) -> Answer:
    return Answer(f"span-{correlation_id}", correlation_id, status)


def _line(correlation_id: str, status: int, path: str = "/api/v1/tasks") -> str:
    return json.dumps(
        {
            "event.action": "request.completed",
            "correlation_id": correlation_id,
            "span.id": correlation_id,
            "url.path": path,
            "http.response.status_code": status,
        }
    )
