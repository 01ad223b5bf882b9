"""Every case of W3C trace context, sent through NGINX and to a replica: what message and spans say, and both alike."""

import json
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import pytest

from tests import raw_request
from tests.system.nine import Nine
from tests.system.written_spans import correlated_spans
from tests.trace_context_cases import CASES, SPAN, TRACE, Case

BODY = json.dumps({"task_type": "calculate_var", "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 1}]}})
CHAIN = ["nginx", "api", "publish medium"]
WAYS: tuple[Literal["nginx", "replica"], ...] = ("nginx", "replica")
Wait = Callable[..., Any]


class Outcome(NamedTuple):
    """What became of one request."""

    headers: dict[str, str]  # of its task's message
    spans: dict[str, dict[str, Any]]  # by name

    @property
    def decided(self) -> tuple[bool, str, str | None]:
        """Whether the caller's trace is continued, with which flags and which `tracestate`."""
        version, trace_id, _, flags = self.headers["traceparent"].split("-")
        assert version == "00"
        return trace_id == TRACE, flags, self.headers.get("tracestate")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory, wait_until: Wait) -> dict[str, Outcome]:
    """By `<way>-<number of the case>`, which is the request's correlation ID. No worker takes the messages."""
    settings = {"WORKER_REPLICAS": "0", "API_REPLICAS": "1", "CIRCUIT_MAX_DEPTH": "2000", "CIRCUIT_CLOSE_DEPTH": "1000"}
    with Nine(tmp_path_factory.mktemp("traces") / "var", **settings) as nine:
        ports = {"nginx": nine.http_port, "replica": nine.recorded.ports["fastapi-1"]}
        for number, case in enumerate(CASES):
            for way in WAYS:
                headers = [*case.headers, ("X-Request-ID", f"{way}-{number}")]
                status = raw_request.send(ports[way], "/api/v1/tasks", headers, BODY.encode())
                assert status == 201, f"{case.name} {way}"
        with nine.redis() as client:
            messages = [json.loads(each)["headers"] for each in client.lrange("medium", 0, -1)]
        expected = sum(3 if way == "nginx" else 2 for case in CASES for way in WAYS if case.flags not in {"00", "02"})
        wait_until(lambda: len(_of_cases(nine)) >= expected, 20, "all spans are written")
        spans = defaultdict[str, dict[str, dict[str, Any]]](dict)
        for correlation_id, span in _of_cases(nine):
            spans[correlation_id][span["name"]] = span
    return {each["correlation_id"]: Outcome(each, spans[each["correlation_id"]]) for each in messages}


def _of_cases(nine: Nine) -> list[tuple[str, dict[str, Any]]]:
    return [(name, span) for name, span in correlated_spans(nine) if name.partition("-")[0] in WAYS]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: CASES[number].name)
def test_the_message_carries_what_the_specification_says(outcomes: dict[str, Outcome], number: int, way: str):
    case = CASES[number]
    outcome = outcomes[f"{way}-{number}"]
    assert outcome.decided == (bool(case.flags), case.flags or "03", case.state or None)
    assert outcome.headers["traceparent"].split("-")[2] != SPAN


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: CASES[number].name)
def test_the_spans_are_one_chain_below_the_callers(outcomes: dict[str, Outcome], number: int, way: str):
    case = CASES[number]
    outcome = outcomes[f"{way}-{number}"]
    if case.flags in {"00", "02"}:
        assert outcome.spans == {}
        return
    _, trace_id, span_id, _ = outcome.headers["traceparent"].split("-")
    names = ["api", "publish medium"] if way == "replica" or _hidden_from_an_old_nginx(case) else CHAIN
    chain = [outcome.spans[name] for name in names]
    assert {span["traceId"] for span in chain} == {trace_id}
    if way == "replica" or names == CHAIN:
        assert chain[0].get("parentSpanId", "") == (SPAN if case.flags else "")
    assert all(child["parentSpanId"] == parent["spanId"] for parent, child in pairwise(chain))
    assert chain[-1]["spanId"] == span_id
    assert {span.get("traceState", "") for span in chain if span["name"] != "nginx"} == {case.state}


def _hidden_from_an_old_nginx(case: Case) -> bool:
    """Before 1.23 it goes by the first of several headers: the rest of the chain does without it if that is wrong."""
    return sum(name.lower() == "traceparent" for name, _ in case.headers) > 1


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: CASES[number].name)
def test_nginx_and_a_replica_decide_alike(outcomes: dict[str, Outcome], number: int):
    through, direct = (outcomes[f"{way}-{number}"] for way in WAYS)
    assert through.decided == direct.decided
