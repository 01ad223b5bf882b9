"""The monitor's figures are there whatever OpenTelemetry's variables say: alerts and scaling go by them."""

import httpx

from tests import plain_http
from tests.conftest import free_port


def test_the_figures_stay_with_the_sdk_disabled_and_say_where_they_are_from(start, broker, wait_until):
    port = free_port()
    start(
        "monitor",
        MONITOR_PORT=str(port),
        OTEL_SDK_DISABLED="true",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test",
    )

    def text() -> str:
        try:
            return plain_http.get(f"http://127.0.0.1:{port}/metrics").text
        except httpx.TransportError:
            return ""

    wait_until(lambda: "\nthroughline_workers_alive 0.0" in text(), 30, "the monitor has taken a sample")
    # Counters are there before anything has ended: rate() would not see what a series is born with.
    assert '\nthroughline_runs_total{status="RETRY",task_type="calculate_var"} 0.0' in text()
    assert '\nthroughline_tasks_total{status="FAILURE",task_type="stress_test"} 0.0' in text()
    (source,) = [line for line in text().splitlines() if line.startswith("target_info{")]
    for label in ('service_name="monitor"', 'deployment_environment_name="test"', 'service_version="'):
        assert label in source
