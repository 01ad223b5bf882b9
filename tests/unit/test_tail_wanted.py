"""Which log lines are wanted, by Elasticsearch's query as by their own fields, and the words in which they are told."""

from typing import Any

import pytest

from throughline.tail.elasticsearch import filters
from throughline.tail.told_line import told_line
from throughline.tail.wanted import LEVELS, Wanted

LINE: dict[str, Any] = {
    "@timestamp": "2026-11-25T14:45:12.173456Z",
    "log.level": "warning",
    "message": "A message",
    "service.name": "worker",
    "service.node.name": "worker-2",
    "correlation_id": "ABC-1",
    "requested_by": "DEL-1",
    "task_id": "task-1",
}


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Wanted(), True),
        (Wanted(correlation_id="ABC-1"), True),
        (Wanted(correlation_id="DEL-1"), True),
        (Wanted(correlation_id="ABC"), False),
        (Wanted(task_id="task-1"), True),
        (Wanted(task_id="task-2"), False),
        (Wanted(service="worker"), True),
        (Wanted(service="worker-2"), True),
        (Wanted(service="worker-1"), False),
        (Wanted(level="notice"), True),
        (Wanted(level="warning"), True),
        (Wanted(level="error"), False),
        (Wanted("ABC-1", "task-1", "debug", "worker"), True),
        (Wanted("ABC-1", "task-1", "debug", "api"), False),
    ],
)
def test_a_line_fits_when_all_that_is_asked_for_fits(wanted: Wanted, fits: bool):
    assert wanted.lets_through(LINE) == fits


@pytest.mark.parametrize(
    ("path", "status", "shown"),
    [("/", 200, False), ("/health/live", 200, False), ("/", 502, True), ("/api/v1/tasks", 201, True)],
)
def test_pages_and_probes_that_were_answered_are_left_out_unless_one_service_or_request_is_asked_for(
    path: str, status: int, shown: bool
):
    line = LINE | {"service.name": "nginx", "url.path": path, "http.response.status_code": status}

    assert Wanted().lets_through(line) == Wanted(level="info").lets_through(line) == shown
    assert Wanted(service="nginx").lets_through(line)
    assert Wanted(correlation_id="ABC-1").lets_through(line)


@pytest.mark.parametrize(("level", "least"), [(each, number) for number, each in enumerate(LEVELS)])
def test_a_level_means_that_one_and_all_above_it(level: str, least: int):
    shown = [each for each in LEVELS if Wanted(level=level).lets_through(LINE | {"log.level": each})]

    assert shown == list(LEVELS[least:])
    assert Wanted(level=level).lets_through(LINE | {"log.level": "critical"})
    assert Wanted(level=level).levels == (*LEVELS[least:], "critical")


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Wanted(level="loud"), "level"),
        (Wanted(correlation_id="a b"), "correlation_id"),
        (Wanted(task_id="a\x1bb"), "task_id"),
        (Wanted(service="x" * 129), "service"),
    ],
)
def test_what_makes_no_sense_is_named(wanted: Wanted, field: str):
    assert list(wanted.mistakes()) == [field]


def test_elasticsearch_is_asked_for_the_same_lines():
    assert filters(Wanted(service="nginx")) == [filters(Wanted("ABC-1", service="nginx"))[1]]
    (without_pages,) = filters(Wanted())
    assert without_pages["bool"]["must_not"]["bool"]["must_not"] == {"prefix": {"url.path": "/api/"}}
    asked = filters(Wanted("ABC-1", "task-1", "error", "worker"))

    assert {"term": {"task_id": "task-1"}} in asked
    assert {"terms": {"log.level": ["error", "critical"]}} in asked
    assert [list(each["bool"]["should"]) for each in asked if "bool" in each] == [
        [{"term": {"correlation_id": "ABC-1"}}, {"term": {"requested_by": "ABC-1"}}],
        [{"term": {"service.name": "worker"}}, {"term": {"service.node.name": "worker"}}],
    ]


@pytest.mark.parametrize(
    ("fields", "words", "error"),
    [
        ({}, "A message", ""),
        (
            {"event.action": "request.completed", "http.request.method": "POST", "url.path": "/api/v1/tasks",
             "http.response.status_code": 201},
            "POST /api/v1/tasks → 201", "",
        ),
        (
            {"event.action": "task.failed", "task_type": "sum", "status": "FAILURE", "error.type": "ValueError",
             "error.message": "no price\nand more"},
            "sum: ended → FAILURE: ValueError", "no price",
        ),
        (
            {"event.action": "task.cancelled", "caller": "ops-key", "why": "wrong portfolio"},
            "cancelled by ops-key: wrong portfolio (request DEL-1)", "",
        ),
        ({"error.type": "OSError", "error.message": "no room"}, "A message", "OSError: no room"),
    ],
)  # fmt: skip
def test_a_line_is_told_in_the_words_of_the_journey(fields: dict[str, Any], words: str, error: str):
    told = told_line(LINE | fields)

    assert (told.words, told.error) == (words, error)
    assert (told.clock, told.node, told.level) == ("14:45:12.173", "worker-2", "warning")


@pytest.mark.parametrize(("ahead", "clock"), [(2173.0, "14:45:10.000"), (-827, "14:45:13.000"), ("3", "14:45:12.173")])
def test_a_line_of_a_host_whose_clock_is_off_has_the_time_by_rediss(ahead: object, clock: str):
    assert told_line(LINE | {"clock_offset_ms": ahead}).clock == clock


@pytest.mark.parametrize("odd", [{}, {"@timestamp": 5, "duration_ms": "long", "error.message": None, "message": None}])
def test_an_odd_line_is_told_as_far_as_it_can_be(odd: dict[str, Any]):
    assert told_line(odd).at_ns == 0
