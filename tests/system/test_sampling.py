"""A share of the traces leaves spans, and all nine agree which: NGINX, which has no SDK, decides as the SDK does."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from tests.system.nine import Nine
from tests.system.written_spans import correlated_spans
from tests.trace_context_cases import SPAN, TRACE

REQUEST = {
    "task_type": "calculate_var",
    "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}], "simulations": 1000},
    "priority": "low",
}
TRACES = 24
CHAIN = {"nginx", "api", "publish low", "wait low", "run calculate_var"}
Wait = Callable[..., Any]


@pytest.mark.parametrize("sampler", ["traceidratio", "parentbased_traceidratio"])
def test_a_trace_leaves_all_of_its_spans_or_none(tmp_path: Path, wait_until: Wait, sampler: str):
    settings = {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": "0.4"}
    with Nine(tmp_path / "var", API_REPLICAS="1", WORKER_REPLICAS="1", **settings) as nine:
        tasks = _finished(nine, wait_until)
        kept = {name for name, trace_id in tasks.items() if _kept(trace_id)}
        wait_until(lambda: _complete(nine) >= kept, 20, f"the spans of {kept} are written")
        written = _names(nine)
        unsampled = {line["correlation_id"] for line in nine.log_lines("nginx") if line.get("trace.sampled") is False}
    assert 0 < len(kept) < TRACES
    assert {name for name in tasks if name in written} == kept
    assert unsampled & tasks.keys() == tasks.keys() - kept


def test_with_the_sdk_disabled_the_message_is_of_the_callers_trace_and_not_sampled(tmp_path: Path):
    carried_flags = {"00": "00", "01": "00", "03": "02"}
    callers = {f"{way}-{flags}": flags for way in ("nginx", "replica") for flags in carried_flags}
    settings = {"OTEL_SDK_DISABLED": "true", "API_REPLICAS": "1", "WORKER_REPLICAS": "0"}
    with Nine(tmp_path / "var", **settings) as nine:
        for name, flags in callers.items():
            with nine.http(nine.replica_urls[0] if name.startswith("replica") else "") as client:
                _submit(client, name, {"traceparent": f"00-{TRACE}-{SPAN}-{flags}", "tracestate": "a=1"})
                _submit(client, f"new-{name}")
        with nine.redis() as client:
            headers = [json.loads(each)["headers"] for each in client.lrange("low", 0, -1)]
        assert list(correlated_spans(nine)) == []
    carried = {each["correlation_id"]: (each["traceparent"], each.get("tracestate")) for each in headers}
    for name, flags in callers.items():
        assert re.fullmatch(f"00-{TRACE}-[0-9a-f]{{16}}-{carried_flags[flags]}", carried[name][0])
        assert carried[name][1] == "a=1"
        assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-02", carried[f"new-{name}"][0])


def _finished(nine: Nine, wait_until: Wait) -> dict[str, str]:
    """The trace ID of each task, by its correlation ID, once all have succeeded."""
    with nine.http() as client:
        places = {name: _submit(client, name) for name in (f"SHARE-{number}" for number in range(TRACES))}

        def tasks() -> list[dict[str, Any]] | None:
            found = [client.get(place).json() for place in places.values()]
            return found if all(task["status"] == "SUCCESS" for task in found) else None

        return {task["correlation_id"]: task["trace_id"] for task in wait_until(tasks, 30, "all have succeeded")}


def _submit(client: httpx.Client, correlation_id: str, headers: Mapping[str, str] | None = None) -> str:
    own = {"X-Request-ID": correlation_id}
    answer = client.post("/api/v1/tasks", json=REQUEST, headers=own | dict(headers or {}))
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def _kept(trace_id: str) -> bool:
    return bool(TraceIdRatioBased(0.4).should_sample(None, int(trace_id, 16), "").decision.is_sampled())


def _names(nine: Nine) -> dict[str, set[str]]:
    names = defaultdict[str, set[str]](set)
    for correlation_id, span in correlated_spans(nine):
        names[correlation_id].add(span["name"])
    return names


def _complete(nine: Nine) -> set[str]:
    return {correlation_id for correlation_id, names in _names(nine).items() if names >= CHAIN}
