"""What a replica measures goes to the collector, with few labels; a collector that is dead or slow holds nothing up."""

import time

import pytest

from tests.integration.collector import Collector

DURATION = "http.server.request.duration"


@pytest.fixture(scope="module")
def collector():
    with Collector().running() as running:
        yield running


@pytest.fixture
def exporting(replica_with, collector):
    return replica_with(
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_METRIC_EXPORT_INTERVAL="200",
        OTEL_EXPORTER_OTLP_HEADERS="x-tenant=one",
        OTEL_EXPORTER_OTLP_COMPRESSION="none",
        OTEL_SEMCONV_STABILITY_OPT_IN="http/dup",
        ALLOWED_HOSTS="*",
    )


def test_durations_are_exported_by_route_method_and_status_and_by_nothing_that_a_client_made_up(
    exporting, collector, wait_until
):
    replica = exporting
    for number in range(3):
        assert replica.submit(Host=f"made-up-{number}").status_code == 201
        assert replica.http.get(f"/api/v1/tasks/made-up-{number}").status_code == 404
        assert replica.http.get(f"/made-up-{number}").status_code == 404
        assert replica.http.request(f"MADEUP{number}" if number > 2 else "PROPFIND", "/fails").status_code == 405
    assert replica.http.get("/fails").status_code == 500

    def counted() -> dict[tuple[object, ...], int]:
        names = ("http.request.method", "http.route", "http.response.status_code", "error.type")
        return {tuple(labels.get(name) for name in names): count for labels, count in collector.points(DURATION)}

    expected = {
        ("POST", "/api/v1/tasks", 201, None): 3,
        ("GET", "/api/v1/tasks/{task_id}", 404, None): 3,
        ("GET", None, 404, None): 3,
        ("_OTHER", "/fails", 405, None): 3,
        ("GET", "/fails", 500, "500"): 1,
    }
    wait_until(lambda: expected.items() <= counted().items(), 20, f"{expected} at the collector")
    assert collector.metrics() == {DURATION, "http.server.duration"}
    labels = [*collector.points(DURATION), *collector.points("http.server.duration")]
    assert "made-up" not in str(labels)
    assert all(headers["x-tenant"] == "one" for _, headers, _ in collector.requests)
    both = {"/v1/metrics", "/v1/traces"}
    wait_until(lambda: {path for path, _, _ in collector.requests} == both, 20, "the spans arrive too")


def test_a_slow_request_is_an_example_of_its_bucket_if_it_is_sampled(exporting, collector, wait_until):
    traces = {flag: f"{flag}{time.time_ns():030x}" for flag in ("00", "01")}
    task = exporting.submit().headers["Location"]
    for flag, trace_id in traces.items():
        headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-{flag}", "Host": "made-up-host"}
        exporting.http.get(task, params={"wait": 0.3}, headers=headers)

    wait_until(lambda: traces["01"] in collector.examples(DURATION), 20, "the example arrives")
    found = collector.examples(DURATION)
    assert (found[traces["01"]] >= 0.3, traces["00"] in found) == (True, False)
    assert min(found.values()) >= 0.1
    assert not collector.examples("http.server.duration")  # which would hold the Host


def test_a_collector_that_takes_spans_alone_is_sent_no_measurements(replica_with, wait_until):
    with Collector().running() as traces:
        replica = replica_with(
            OTEL_EXPORTER_OTLP_ENDPOINT=traces.url, OTEL_METRICS_EXPORTER="none", OTEL_METRIC_EXPORT_INTERVAL="100"
        )
        for _ in range(3):
            seen = len(traces.requests)
            replica.http.get("/health/live")
            wait_until(lambda seen=seen: len(traces.requests) > seen, 20, "a span arrives")
        assert {path for path, _, _ in traces.requests} == {"/v1/traces"}


def test_a_collector_that_never_answers_slows_no_request_and_lets_the_replica_end(replica_with):
    with Collector(answers=False).running() as silent:
        replica = replica_with(OTEL_EXPORTER_OTLP_ENDPOINT=silent.url, OTEL_METRIC_EXPORT_INTERVAL="100")
        for _ in range(1_200):  # more than two batches of spans
            began = time.monotonic()
            assert replica.http.get("/health/live").is_success
            assert time.monotonic() - began < 2
        assert {path for path, _, _ in silent.requests} == {"/v1/traces", "/v1/metrics"}

        began = time.monotonic()
        replica.process.terminate()
        assert replica.process.wait(timeout=20) in {0, -15}
        assert time.monotonic() - began < 10  # twice five seconds would be a wait for one batch after the other
