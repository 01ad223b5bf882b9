"""What `traceparent` and `tracestate` say, for a span and for what is passed on."""

import time

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.asgi import asgi_getter
from opentelemetry.sdk.trace import TracerProvider

from tests.trace_context_cases import CASES, SPAN, TRACE, VALID, Case
from throughline.telemetry import trace_context

LONGEST = 65_536  # about what a replica's server takes


def extracted(headers: list[tuple[str, str]]) -> Context:
    scope = {"headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]}
    return trace_context.Propagator().extract(scope, Context(), asgi_getter)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_request_is_read_as_the_specification_says(case: Case):
    carrier: dict[str, str] = {}
    trace_context.Propagator().inject(carrier, extracted(case.headers))
    expected = {"traceparent": f"00-{TRACE}-{SPAN}-{case.flags}"} if case.flags else {}
    if case.state:
        expected["tracestate"] = case.state
    assert carrier == expected


@pytest.mark.parametrize("flags", ["00", "01", "02", "03"])
def test_a_child_passes_on_the_random_flag_and_tracestate(flags: str):
    parent = extracted([("traceparent", f"00-{TRACE}-{SPAN}-{flags}"), ("tracestate", "0a=1,b@c= 2")])
    child = trace.set_span_in_context(TracerProvider().get_tracer("test").start_span("child", parent))
    sent = trace_context.traceparent(child)
    assert (sent[:35], sent[-2:]) == (f"00-{TRACE}", flags)
    assert sent[36:52] != SPAN
    assert trace_context.tracestate(child) == "0a=1,b@c= 2"


def test_without_a_caller_the_context_stays_what_it_was():
    current = extracted([("traceparent", VALID)])
    assert trace_context.Propagator().extract({}, current) is current
    assert trace_context.Propagator().extract({"traceparent": "wrong"}, current) is current
    assert trace_context.traceparent(Context()) == trace_context.tracestate(Context()) == ""


NGINX = f"00-{TRACE}-{'a' * 16}-02"  # what an NGINX says it made of the caller's
BEGUN = f"00-{'b' * 32}-{'a' * 16}-03"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"traceparent": [VALID], "tracestate": ["a=1", "b=2"]}, (NGINX, "a=1,b=2")),
        ({"traceparent": [VALID], "nginx": ["wrong"]}, (VALID, "")),
        ({"traceparent": [VALID], "nginx": [BEGUN]}, (VALID, "")),  # which no NGINX would say
        ({"traceparent": [VALID, VALID], "tracestate": ["a=1"]}, ("", "")),
        ({"traceparent": [VALID, "wrong"]}, ("", "")),
        ({"traceparent": ["wrong", VALID], "tracestate": ["a=1"], "nginx": [BEGUN]}, (BEGUN, "")),
        ({"traceparent": ["wrong"], "tracestate": ["a=1"], "nginx": [BEGUN]}, (BEGUN, "")),
        ({"nginx": [BEGUN], "tracestate": ["a=1"]}, (BEGUN, "")),
        ({"traceparent": [VALID], "nginx": [NGINX, NGINX]}, (VALID, "")),
    ],
)
def test_behind_an_nginx_that_sees_only_first_headers_all_count(
    headers: dict[str, list[str]], expected: tuple[str, str]
):
    nginx = headers.get("nginx", [NGINX])
    context = trace_context.caller(headers.get("traceparent", []), headers.get("tracestate", []), nginx)
    assert (trace_context.traceparent(context), trace_context.tracestate(context)) == expected


@pytest.mark.parametrize("value", [None, 5, b"x", ["a"], VALID.encode()])
def test_a_value_that_is_no_text_is_no_caller(value: object):
    assert trace_context.span_context((value,)) is None
    assert trace_context.valid_traceparent(value) == ""
    assert not trace_context.span_context((VALID,), (value,)).trace_state  # type: ignore[union-attr]


def test_a_valid_header_is_passed_on_in_our_own_version():
    assert trace_context.valid_traceparent(f"\tcc-{TRACE}-{SPAN}-ff-more ") == f"00-{TRACE}-{SPAN}-03"
    context = trace_context.remote_parent(VALID, "foo=1")
    assert (trace_context.traceparent(context), trace_context.tracestate(context)) == (VALID, "foo=1")


@pytest.mark.parametrize("part", [" ", "\t", ",", "a", "a=", "a@", "a=1 ", "=", " ,", "a=b,", "-", " -"])
@pytest.mark.parametrize("header", [f"cc-{TRACE}-{SPAN}-01-{{}},", "{}x", f"cc-{TRACE}-{SPAN}-01{{}}x"])
def test_no_value_is_read_again_and_again(header: str, part: str):
    """A header 16 times as long costs some 16 times as much; if its parts were tried in every order, 256 times."""
    short, long = (_cost(header.format(part * (length // len(part)))) for length in (LONGEST // 16, LONGEST))
    assert long < 100 * short


def _cost(value: str) -> float:
    def once() -> float:
        started = time.process_time()
        trace_context.span_context((value,))
        trace_context.span_context((VALID,), (value,))
        return time.process_time() - started

    return min(once() for _ in range(3))
