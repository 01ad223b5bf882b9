"""What NGINX makes of a caller's trace, which traces it samples, and what it passes on: NGINX alone, as configured."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import get_current_span

from tests import lone_nginx
from tests.lone_nginx import Nginx
from tests.trace_context_cases import CASES, SPAN, TRACE, VALID, Case
from throughline.local import nginx_trace
from throughline.telemetry import trace_context

Wait = Callable[..., Any]


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory, wait_until: Wait) -> Iterator[Nginx]:
    with lone_nginx.started(tmp_path_factory.mktemp("nginx"), wait_until) as running:
        yield running


@pytest.fixture(scope="module")
def joining(tmp_path_factory: pytest.TempPathFactory, wait_until: Wait) -> Iterator[Nginx]:
    """As in the container, where NGINX sees all headers of one name, and sets the two itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nginx_trace, "header_names", lambda _: lone_nginx.JOINING_NAMES)
        with lone_nginx.started(tmp_path_factory.mktemp("joining"), wait_until) as running:
            yield running


# A single header of each name: which NGINX is installed here makes no difference.
SINGLE = [case for case in CASES if len({name.lower() for name, _ in case.headers}) == len(case.headers)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_replica_behind_nginx_continues_nginxs_span(nginx: Nginx, case: Case):
    sent = nginx.passed_on(case.headers)
    values = [sent.get_all(name, []) for name in trace_context.REQUEST_HEADERS]
    parent = get_current_span(trace_context.caller(*values)).get_span_context()
    continued = parent.is_valid and f"{parent.trace_id:032x}" == TRACE
    assert continued == bool(case.flags)
    if case.flags:
        assert f"{parent.trace_flags:02x}" == case.flags
        assert f"{parent.span_id:016x}" != SPAN
    assert parent.trace_state.to_header() == case.state


@pytest.mark.parametrize("case", SINGLE, ids=lambda case: case.name)
def test_nginx_reads_the_two_headers_as_a_replica_does(joining: Nginx, case: Case):
    lone_nginx.assert_read(joining, case)


PARENT_PARTS = ["00", "01", "cc", "ff", TRACE, SPAN, "0" * 32, "0" * 16, "-", " ", "\t", ",", "A", "f"]
PARENT_PARTS += [f"00-{TRACE}-{SPAN}-", f"cc-{TRACE}-{SPAN}-01"]
STATE_PARTS = ["a", "b=1", "a=1", "0", "a@b", "@", "=", ",", ",", " ", "\t", "B", ".", "~"]
STATE_PARTS += ["v" * 255, "t" * 240, "v" * 13]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PARENT_PARTS), max_size=9), st.lists(st.sampled_from(STATE_PARTS), max_size=25))
def test_whatever_is_sent_nginx_reads_it_as_a_replica_does(joining: Nginx, parent: list[str], state: list[str]):
    headers = [("traceparent", "".join(parent)), ("tracestate", "".join(state))]
    for traceparent in (headers[0], ("traceparent", VALID)):
        sent = joining.passed_on([traceparent, headers[1]])
        expected = trace_context.span_context((traceparent[1],), (headers[1][1],))
        passed = trace_context.span_context((sent["traceparent"],), (sent.get("tracestate", ""),))
        assert passed is not None
        if expected is None:
            assert sent["traceparent"].endswith("-03")
            assert "tracestate" not in sent
        else:
            assert (passed.trace_id, passed.trace_flags) == (expected.trace_id, expected.trace_flags)
            assert passed.trace_state.to_header() == expected.trace_state.to_header()


def test_nginxs_span_continues_the_callers_and_says_its_state(joining: Nginx, wait_until: Wait):
    sent = joining.passed_on([("traceparent", VALID), ("tracestate", 'a="1",b=\\2'), ("X-Request-ID", "OWN-SPAN")])

    def span() -> dict[str, Any] | None:
        return next((each for each in joining.spans() if "OWN-SPAN" in json.dumps(each)), None)

    found = wait_until(span, 20, "NGINX has written its span")
    assert (found["traceId"], found["parentSpanId"], found["traceState"]) == (TRACE, SPAN, 'a="1",b=\\2')
    assert found["spanId"] == sent["traceparent"].split("-")[2]


@pytest.fixture
def one(tmp_path: Path, wait_until: Wait) -> Callable[..., AbstractContextManager[Nginx]]:
    return lambda **environment: lone_nginx.started(tmp_path, wait_until, **environment)


LOW, HIGH = "1" * 32, f"{'1' * 16}f{'1' * 15}"  # trace IDs that a ratio of 0.5 keeps, and does not
SAMPLERS = {
    # By sampler: a caller's flag is 1, is 0, and which the new trace of a ratio of 0.5 is.
    "always_on": (True, True),
    "always_off": (False, False),
    "parentbased_always_on": (True, False),
    "parentbased_always_off": (True, False),
    "parentbased_traceidratio": (True, False),
}


def _sampled(nginx: Nginx, trace_id: str, flags: str) -> bool:
    sent = nginx.passed_on([("traceparent", f"00-{trace_id}-{SPAN}-{flags}"), ("X-Request-ID", f"{trace_id}-{flags}")])
    header = sent["traceparent"] or sent[trace_context.OLD_NGINX]
    assert header[3:35] == trace_id
    assert header[36:52] != SPAN
    return bool(header.endswith("1"))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_caller_is_followed_by_the_samplers_that_follow_it(one, sampler: str, wait_until: Wait):
    with one(OTEL_TRACES_SAMPLER=sampler, OTEL_TRACES_SAMPLER_ARG="0.5") as nginx:
        for trace_id in (LOW, HIGH):
            assert (_sampled(nginx, trace_id, "01"), _sampled(nginx, trace_id, "00")) == SAMPLERS[sampler]
        wait_until(lambda: len(nginx.lines()) == 4, 20, "all lines are written")
        expected = [flag for flag, yes in zip("10", SAMPLERS[sampler], strict=True) if yes] * 2
        assert sorted(line["correlation_id"][-1] for line in nginx.lines() if "trace.sampled" not in line) == sorted(
            expected
        )
        assert all(line["trace.sampled"] is False for line in nginx.lines() if "trace.sampled" in line)
        assert len(nginx.spans()) == len(expected)


@pytest.mark.parametrize("flags", ["00", "01"])
def test_a_ratio_keeps_the_traces_that_the_sdk_keeps(one, flags: str):
    with one(OTEL_TRACES_SAMPLER="traceidratio", OTEL_TRACES_SAMPLER_ARG="0.5") as nginx:
        assert (_sampled(nginx, LOW, flags), _sampled(nginx, HIGH, flags)) == (True, False)


@pytest.mark.parametrize("sampler", ["traceidratio", "parentbased_traceidratio"])
def test_new_traces_are_kept_by_the_ratio(one, sampler: str, wait_until: Wait):
    kept = TraceIdRatioBased(0.3)
    with one(OTEL_TRACES_SAMPLER=sampler, OTEL_TRACES_SAMPLER_ARG="0.3") as nginx:
        for _ in range(100):
            nginx.passed_on([])
        wait_until(lambda: len(nginx.lines()) == 100, 20, "all lines are written")
        expected = {
            line["trace.id"]: kept.should_sample(None, int(line["trace.id"], 16), "").decision.is_sampled()
            for line in nginx.lines()
        }
        assert set(expected.values()) == {True, False}
        assert {line["trace.id"]: "trace.sampled" not in line for line in nginx.lines()} == expected
        assert {span["traceId"] for span in nginx.spans()} == {each for each, sampled in expected.items() if sampled}


@pytest.mark.parametrize(("sampler", "flags"), [("always_off", "02"), ("parentbased_always_off", "02")])
def test_a_new_trace_that_is_not_sampled_says_so(one, sampler: str, flags: str):
    with one(OTEL_TRACES_SAMPLER=sampler) as nginx:
        sent = nginx.passed_on([])
    assert (sent["traceparent"] or sent[trace_context.OLD_NGINX]).endswith(f"-{flags}")


def test_with_the_sdk_disabled_nothing_is_sampled(one, wait_until: Wait):
    with one(OTEL_SDK_DISABLED="true", OTEL_TRACES_SAMPLER="always_on") as nginx:
        assert [_sampled(nginx, LOW, flags) for flags in ("00", "01", "02", "03")] == [False] * 4
        sent = nginx.passed_on([])
        assert (sent["traceparent"] or sent[trace_context.OLD_NGINX]).endswith("-02")
        wait_until(lambda: len(nginx.lines()) == 5, 20, "all lines are written")
        assert all(line["trace.sampled"] is False for line in nginx.lines())
        assert nginx.spans() == []
