"""Kibana's waterfall as Vega draws it, from spans as Jaeger stores them: what is written on it, row by row.

Kibana does not run here; the specification and the program that draws it are the same.
"""

import re
from typing import Any

import orjson
import pytest
import vl_convert

from dashboards.kibana.waterfall import specification

LOST = "lost with worker-2"


class Stored:
    """Spans as Elasticsearch gives them, in milliseconds since the first request."""

    def __init__(self) -> None:
        self.hits: list[dict[str, Any]] = []
        self.bars = 0  # of the last picture

    def span(self, trace: int, name: str, node: str, at: float, took: float, **tag: Any) -> None:
        service = "nginx" if node == "nginx" else "api" if node.startswith("fastapi") else "worker"
        process = {"serviceName": service, "tag": {"service@instance@id": node}}
        times = {"startTime": 1_764_000_000_000_000 + round(at * 1000), "duration": round(took * 1000)}
        tags = {"correlation_id": "ABC-1"} | {key.replace("__", "@"): str(value) for key, value in tag.items()}
        what = {"traceID": f"{trace:032x}", "operationName": name, "process": process, "tag": tags}
        self.hits.append({"_source": what | times})

    def task(self, number: int, *, killed: bool = False, run: float = 1000, kind: str = "var", **end: Any) -> None:
        """A task's way, 50 ms after the one before."""
        at = number * 50.0
        known = {"task_id": f"{number:08d}-task", "task_type": kind}
        self.span(number, "nginx", "nginx", at, 20, task_type=kind)
        self.span(number, "api", "fastapi-3", at + 1, 15, **known)
        self.span(number, "publish high", "fastapi-3", at + 3, 6, **known)
        self.span(number, "wait high", "worker-2", at + 9, 400, **known)
        self.span(number, "take high", "worker-2", at + 403, 6, **known)
        at += 409
        if killed:
            lost = known | {"worker": "worker-2", "cause": LOST}
            self.span(number, f"run {kind}", "worker-3", at, 1200, status="RETRY", **lost)
            self.span(number, f"lost {kind}", "worker-3", at + 1200, 10_400, **lost)
            self.span(number, "wait high", "worker-3", at + 11_600, 15, **known)
            at += 11_615
        self.span(number, f"run {kind}", "worker-3", at, run, **({"status": "SUCCESS"} | end), **known)
        self.span(number, "simulate", "worker-3", at + 1, run - 2, phase="true", **known)

    def drawn(self) -> list[str]:
        """All that is written but the legend: labels of rows, then words beside bars."""
        spec = orjson.loads(specification()) | {"data": {"values": self.hits}, "width": 900, "height": 600}
        svg = vl_convert.vegalite_to_svg(spec, vl_version="5.8")
        self.bars = len(re.findall(r'aria-roledescription="bar"', svg))
        told = [" ".join(text.split()) for text in re.findall(r"<text[^>]*>([^<]+)</text>", svg)]
        legend = spec["layer"][0]["encoding"]["color"]["scale"]["domain"]
        assert told[-len(legend) :] == legend
        return told[: -len(legend)]


@pytest.fixture
def stored() -> Stored:
    return Stored()


def test_a_task_whose_worker_was_killed_has_a_row_for_each_step_with_who_did_it(stored: Stored):
    stored.task(1, killed=True, run=113_398, status="FAILURE", error__type="SoftTimeLimitExceeded")

    told = stored.drawn()

    rows = ["nginx", "api fastapi-3", "publish high", "wait high", "take high worker-2", "run var worker-2"]
    rows += ["lost var worker-2", "wait high", "run var worker-3", "└ simulate"]
    assert [each for each in told if each in rows] == rows
    assert stored.bars == len(rows)
    assert {f"1.2 s ✗ {LOST}", "10.4 s until it was noticed", "1.9 min ✗ SoftTimeLimitExceeded"} <= set(told)
    assert {"6.00 ms", "400 ms", "15 ms"} <= set(told)


def test_hosts_whose_clocks_are_off_are_drawn_by_rediss(stored: Stored):
    stored.task(1)
    right = stored.drawn()
    ahead = {"fastapi-3": 2000.0, "worker-2": -86_400_000.5, "worker-3": 3000.125}
    for each in (hit["_source"] for hit in stored.hits):
        node = each["process"]["tag"]["service@instance@id"]
        if node in ahead:
            each["startTime"] += round(ahead[node] * 1000)
            each["tag"]["clock_offset_ms"] = str(ahead[node])

    assert stored.drawn() == right


def test_a_few_tasks_have_a_section_each_under_their_names(stored: Stored):
    for number, kind in enumerate(("var", "pricing", "weights"), start=1):
        stored.task(number, kind=kind)

    told = stored.drawn()

    names = ["var 00000001", "pricing 00000002", "weights 00000003"]
    assert [each for each in told if each in names] == names
    assert told.index("run var worker-3") < told.index(names[1]) < told.index("run pricing worker-3")
    assert stored.bars == 3 * 7


def test_many_tasks_have_a_row_each_and_of_too_many_those_that_failed_and_the_longest_are_drawn(stored: Stored):
    for number in range(1, 61):
        if number == 7:
            stored.task(number, run=507, status="FAILURE", error__type="NotCalculable")
        else:
            stored.task(number, run=500 + number)

    told = stored.drawn()

    rows = [each for each in told if re.fullmatch(r"var 000000\d\d", each)]
    assert rows == ["var 00000007", *(f"var {number:08}" for number in range(22, 61))]
    assert [each for each in told if "✗" in each] == ["916 ms ✗ NotCalculable"]
    assert [each for each in told if each.startswith("40 of 60 tasks")]
    assert "└ simulate" not in told


def test_phases_that_are_too_many_to_draw_are_left_out_and_that_is_said(stored: Stored):
    stored.task(1)
    for number in range(60):
        stored.span(1, "draw", "worker-3", 500 + number, 1, phase="true", task_id="00000001-task", task_type="var")

    told = stored.drawn()

    assert not [each for each in told if "└" in each]
    assert [each for each in told if each.startswith("Without the phases")]
    assert "run var worker-3" in told


def test_more_than_one_correlation_id_is_no_picture_but_a_request_to_choose_one(stored: Stored):
    stored.task(1)
    stored.span(9, "nginx", "nginx", 0, 5, correlation_id="OTHER")

    told = stored.drawn()

    assert [each for each in told if each.startswith("Choose one correlation ID")]
    assert stored.bars == 0


def test_a_client_that_asks_for_its_task_is_not_among_its_steps_but_a_refused_request_is_drawn(stored: Stored):
    stored.span(8, "nginx", "nginx", 100, 5)
    stored.span(8, "api", "fastapi-1", 101, 3, task_id="00000001-task")
    assert [each for each in stored.drawn() if each in {"nginx", "api fastapi-1"}] == ["nginx", "api fastapi-1"]

    stored.task(1)
    assert "api fastapi-1" not in stored.drawn()
    assert stored.bars == 7
