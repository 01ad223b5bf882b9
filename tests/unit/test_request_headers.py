"""A request's headers as the api looks them up."""

from api.request_headers import all_values
from throughline.telemetry import trace_context


def test_a_header_is_found_however_its_name_is_written():
    scope = {"headers": [(trace_context.OLD_NGINX.lower().encode(), b"00-1"), (b"tracestate", b"a=1"), (b"x", b"y")]}

    assert all_values(scope, trace_context.OLD_NGINX) == ["00-1"]
    assert all_values(scope, "tracestate") == ["a=1"]
