"""OpenTelemetry's documented variables, each given to a replica: what users get for it."""

import json

import pytest

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{CALLER}-01"


def traceparent_of_message(broker, replica, **headers):
    """What the message of a task carries that is submitted now."""
    broker.delete("medium")
    assert replica.submit(**headers).status_code == 201
    return json.loads(broker.lindex("medium", 0))["headers"]["traceparent"]


@pytest.mark.parametrize("variable", ["OTEL_PYTHON_FASTAPI_EXCLUDED_URLS", "OTEL_PYTHON_EXCLUDED_URLS"])
def test_an_excluded_url_has_no_server_span_and_its_chain_holds(replica_with, broker, variable):
    replica = replica_with(**{variable: "/api/v1/tasks$, health"})

    message = traceparent_of_message(broker, replica, **{"X-Request-ID": "EXCLUDED", "traceparent": PARENT})

    (publish,) = replica.wait_until(lambda: replica.spans("EXCLUDED"), 20, "the span of the publication")
    assert (publish.name, publish.trace_id, publish.parent_id) == ("publish medium", TRACE, CALLER)
    assert message == f"00-{TRACE}-{publish.span_id}-01"
    assert replica.line("EXCLUDED")["trace.id"] == TRACE
    replica.http.get("/api/v1/queues", headers={"X-Request-ID": "INCLUDED"})
    assert replica.server_span("INCLUDED")
    replica.http.get("/health/live")
    assert {span.name for span in replica.spans("EXCLUDED")} == {"publish medium"}


def test_a_request_without_span_and_without_caller_is_of_a_new_trace_that_is_not_sampled(replica_with, broker):
    replica = replica_with(OTEL_PYTHON_FASTAPI_EXCLUDED_URLS="/api/v1/tasks$, health")

    version, trace_id, _, flags = traceparent_of_message(broker, replica, **{"X-Request-ID": "ALONE"}).split("-")

    assert (version, flags) == ("00", "02")  # random, not sampled
    assert replica.line("ALONE")["trace.id"] == replica.line("ALONE", "task.submitted")["trace.id"] == trace_id
    assert replica.line("ALONE")["trace.sampled"] is False
    assert replica.spans("ALONE") == []


def test_with_the_sdk_disabled_nothing_is_exported_and_lines_and_messages_are_joined(replica_with, broker):
    replica = replica_with(OTEL_SDK_DISABLED="true")

    _, trace_id, span_id, flags = traceparent_of_message(
        broker, replica, **{"X-Request-ID": "DISABLED", "traceparent": PARENT}
    ).split("-")

    assert (trace_id, span_id, flags) == (TRACE, CALLER, "00")
    line, submitted = replica.line("DISABLED"), replica.line("DISABLED", "task.submitted")
    assert (line["trace.id"], line["trace.sampled"]) == (submitted["trace.id"], False) == (TRACE, False)
    assert replica.spans() == []
    assert traceparent_of_message(broker, replica).endswith("-02")  # random, not sampled


@pytest.mark.parametrize(
    ("variables", "flags"),
    [
        ({"OTEL_TRACES_SAMPLER": "always_off"}, "00"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}, "00"),
        ({"OTEL_TRACES_SAMPLER": "parentbased_always_off"}, "01"),
    ],
)
def test_the_sampler_decides_about_spans_and_flags(replica_with, broker, variables, flags):
    replica = replica_with(**variables)

    message = traceparent_of_message(broker, replica, **{"X-Request-ID": "SAMPLER", "traceparent": PARENT})

    assert message.split("-")[1::2] == [TRACE, flags]
    assert replica.line("SAMPLER").get("trace.sampled") == (None if flags == "01" else False)
    if flags == "01":
        assert replica.server_span("SAMPLER")
    assert traceparent_of_message(broker, replica, **{"X-Request-ID": "ROOT"}).split("-")[3] in {"00", "02"}
    assert replica.line("ROOT")
    assert replica.spans("ROOT") == []


def test_resource_attributes_are_added_and_what_is_ours_stays(replica_with):
    replica = replica_with(
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test%20bed,service.name=other,service.version=0",
        OTEL_SERVICE_NAME="third",
        SERVICE_VERSION="1.2-rc.1",
    )
    replica.http.get("/health/live", headers={"X-Request-ID": "RESOURCE"})

    resource = replica.server_span("RESOURCE").resource
    assert resource["deployment.environment.name"] == "test bed"
    assert (resource["service.name"], resource["service.instance.id"]) == ("api", "fastapi-1")
    assert resource["service.version"] == "1.2-rc.1"


def test_headers_are_recorded_on_demand_and_keys_never(replica_with):
    replica = replica_with(
        OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST="x-.*,authorization,idempotency-key,accept",
        OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE="location",
        OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS="x-hush",
    )
    secrets = {"Authorization": "Bearer s3cret", "X-API-Key": "s3cret", "Idempotency-Key": "s3cret", "X-Hush": "s3cret"}

    answer = replica.submit(**{"X-Request-ID": "HEADERS", "X-Colour": "blue", **secrets})

    attributes = replica.server_span("HEADERS").attributes
    assert attributes["http.request.header.x_colour"] == ["blue"]
    assert attributes["http.response.header.location"] == [answer.headers["Location"]]
    for name in ("authorization", "x_api_key", "idempotency_key", "x_hush"):
        assert attributes[f"http.request.header.{name}"] == ["[REDACTED]"]
    assert "s3cret" not in replica.all_text()
    no_text = {b"X-Request-ID": b"NO-TEXT", b"X-Colour": b"\xff\\x"}
    assert replica.http.get("/health/live", headers=no_text).status_code == 200
    assert replica.server_span("NO-TEXT").attributes["http.request.header.x_colour"] == ["\xff\\x"]


def test_the_former_conventions_come_beside_the_stable_ones_and_hide_the_query_too(replica_with):
    replica = replica_with(OTEL_SEMCONV_STABILITY_OPT_IN="http/dup")
    replica.http.get("/health/live?token=hidden", headers={"X-Request-ID": "DUP"})

    attributes = replica.server_span("DUP").attributes
    assert attributes["http.status_code"] == attributes["http.response.status_code"] == 200
    assert attributes["http.url"] == f"http://127.0.0.1:{replica.port}/health/live"
    assert "hidden" not in replica.all_text()


def test_limits_hold_and_leave_the_correlation_id_whole(replica_with):
    replica = replica_with(OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT="128")
    name = "L" * 128
    replica.http.get("/nowhere/" + "x" * 500, headers={"X-Request-ID": name})

    assert len(replica.server_span(name).attributes["url.path"]) == 128
