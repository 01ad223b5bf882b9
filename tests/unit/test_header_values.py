"""How the instrumentation finds a header of a request: by its name in any case, each of its values."""

from api.patches.header_values import HeaderValues

SCOPE = {"headers": [(b"x-nginx-traceparent", b"00-1"), (b"traceparent", b"00-2"), (b"traceparent", b"00-3")]}


def test_a_header_is_found_whatever_the_case_of_the_name_that_is_asked_for():
    assert HeaderValues().get(SCOPE, "X-Nginx-Traceparent") == ["00-1"]


def test_all_values_of_a_header_are_found_in_their_order():
    assert HeaderValues().get(SCOPE, "traceparent") == ["00-2", "00-3"]


def test_a_header_that_was_not_sent_has_no_value():
    assert HeaderValues().get(SCOPE, "tracestate") is None
    assert HeaderValues().get({}, "traceparent") is None
