"""Spans and log lines of hosts whose clocks differ are set right by one clock, NGINX's by what it holds."""

from dataclasses import replace

import pytest

from throughline.journey.one_clock import on_one_clock
from throughline.journey.search import Found
from throughline.journey.span import Span
from throughline.telemetry.log_line import timestamp

BEGAN = 1_764_000_000 * 10**9
MS = 10**6


def span(service, node, span_id, parent_id, start_ms, took_ms, kind="server", **attributes):
    start = BEGAN + round(start_ms * MS)
    return Span(
        "t", span_id, parent_id, service, service, node, start, start + round(took_ms * MS), attributes, kind=kind
    )


def line(service, node, at_ms, span_id="", **fields):
    told = {"@timestamp": timestamp((BEGAN + at_ms * MS) / 1e9), "service.name": service, "service.node.name": node}
    return told | {"trace.id": "t", "span.id": span_id} | fields


def starts(*spans, lines=()):
    """In milliseconds, by service."""
    moved, _ = on_one_clock(Found(list(lines), list(spans)))
    return {each.service: (each.start_ns - BEGAN) / MS for each in moved}


NGINX = span("nginx", "nginx", "n", "", 0, 20, **{"http.response.status_code": 201})
API = span("api", "fastapi-1", "a", "n", 4, 12)


@pytest.mark.parametrize("offset", [3000.25, -3000, 40, -0.5, 1e9])
def test_a_span_is_moved_by_the_offset_that_it_says(offset):
    moved = replace(API, start_ns=API.start_ns + round(offset * MS), end_ns=API.end_ns + round(offset * MS))
    told = replace(moved, attributes={"clock_offset_ms": offset})
    assert starts(NGINX, told) == {"nginx": 0, "api": 4}


@pytest.mark.parametrize("said", ["3000", None, float("nan"), float("inf"), 1e300])
def test_what_is_no_offset_moves_nothing(said):
    assert starts(replace(API, attributes={"clock_offset_ms": said})) == {"api": 4}


def test_spans_of_an_earlier_version_stay_where_they_are():
    assert starts(NGINX, API) == {"nginx": 0, "api": 4}


@pytest.mark.parametrize("ahead", [-86_400_000, -700, 15, 2000])
def test_nginx_is_put_around_what_its_replica_did(ahead):
    off = replace(NGINX, start_ns=NGINX.start_ns + ahead * MS, end_ns=NGINX.end_ns + ahead * MS)
    assert starts(off, API)["nginx"] == 0  # as long before as after


@pytest.mark.parametrize("ahead", [-13, -4, 4, 13])
def test_a_clock_of_nginx_that_may_be_right_is_right(ahead):
    """It ticks in milliseconds, and is read once in each round of its loop."""
    off = replace(NGINX, start_ns=NGINX.start_ns + ahead * MS, end_ns=NGINX.end_ns + ahead * MS)
    assert starts(off, API)["nginx"] == ahead


@pytest.mark.parametrize("status", [499, 502, 504])
def test_a_replica_that_began_after_its_caller_had_left_says_nothing_of_the_clock(status):
    late = replace(API, start_ns=API.start_ns + 40_000 * MS, end_ns=API.end_ns + 40_000 * MS)
    assert starts(replace(NGINX, attributes={"http.response.status_code": status}), late)["nginx"] == 0


def test_a_replica_that_comes_back_after_another_has_answered_moves_nothing():
    late = replace(API, span_id="b", start_ns=API.start_ns + 40_000 * MS, end_ns=API.end_ns + 40_001 * MS)
    assert starts(NGINX, API, late)["nginx"] == 0


def test_all_that_one_nginx_has_written_moves_alike():
    """Also a request that it answered by itself, and a long one that alone would tell little."""
    long = span("nginx", "nginx", "l", "", 2000, 9000)
    inside = span("api", "fastapi-1", "i", "l", 500, 8000)
    refused = span("nginx", "nginx", "r", "", 2100, 1, **{"http.response.status_code": 413})
    off = replace(NGINX, start_ns=NGINX.start_ns + 2000 * MS, end_ns=NGINX.end_ns + 2000 * MS)
    other = replace(NGINX, node="nginx-2", span_id="o")
    moved, _ = on_one_clock(Found([], [off, API, long, inside, refused, other]))
    assert {each.span_id: (each.start_ns - BEGAN) / MS for each in moved} == {
        **{"n": 0, "a": 4, "l": 0, "i": 500, "r": 100},
        "o": 0,
    }


def test_lines_are_in_the_order_in_which_they_were_written_by_one_clock():
    lines = [
        line("api", "fastapi-1", 2010, action=1, clock_offset_ms=2000.0),
        line("worker", "worker-1", -2970, action=2, clock_offset_ms=-3000.0),
        line("monitor", "monitor", 20, action="between"),
    ]
    _, told = on_one_clock(Found(lines, []))
    assert [(each.fields["action"], (int(each.at_ns or 0) - BEGAN) / MS) for each in told] == [
        (1, 10),
        ("between", 20),
        (2, 30),
    ]
    assert told[0].fields["@timestamp"] == lines[0]["@timestamp"]


def test_nginx_of_a_request_that_left_no_span_is_put_around_its_replicas_line():
    done = {"event.action": "request.completed", "trace.sampled": False}
    nginx = line("nginx", "nginx", 2020, "n", duration_ms=20, **done)
    api = line("api", "fastapi-1", 16, "n", duration_ms=12.0, **done)
    _, told = on_one_clock(Found([nginx, api], []))
    assert [(each.fields["service.name"], (int(each.at_ns or 0) - BEGAN) / MS) for each in told] == [
        ("api", 16),
        ("nginx", 20),
    ]


@pytest.mark.parametrize("ahead", [-90_000, 0, 5_000])
def test_the_program_of_a_caller_is_put_around_its_request(ahead):
    call = span("shop", "shop-1", "c", "s", ahead - 10, 40, kind="client")
    work = span("shop", "shop-1", "s", "", ahead - 20, 60, kind="internal")
    moved, _ = on_one_clock(Found([], [work, call, replace(NGINX, parent_id="c"), API]))
    by_id = {each.span_id: (each.start_ns - BEGAN) / MS for each in moved}
    assert by_id == {"s": -20, "c": -10, "n": 0, "a": 4}


def test_nobodys_clock_is_asked_for_ever():
    """Callers without a replica, in a circle too, are left as they are."""
    one = span("shop", "1", "x", "y", 0, 5, kind="client")
    other = span("bank", "2", "y", "x", 90, 5)
    assert starts(one, other) == {"shop": 0, "bank": 90}
