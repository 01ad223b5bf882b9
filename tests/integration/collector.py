"""A collector for tests: takes OTLP over HTTP and keeps what it was sent, or takes it and never answers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest


class Collector:
    def __init__(self, *, answers: bool = True) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.may_answer = threading.Event()
        if answers:
            self.may_answer.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator["Collector"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.may_answer.set()
            self._server.shutdown()
            self._server.server_close()

    def points(self, metric: str) -> list[tuple[dict[str, Any], int]]:
        """The labels and the count of each time series, as the last export has them."""
        for path, _, body in reversed(self.requests):
            if path == "/v1/metrics":
                return [
                    (_labels(point), point.count)
                    for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
                    for scope in resource.scope_metrics
                    for told in scope.metrics
                    if told.name == metric
                    for point in told.histogram.data_points
                ]
        return []

    def metrics(self) -> set[str]:
        return {told.name for told in self._metrics()}

    def examples(self, metric: str) -> dict[str, float]:
        """The trace IDs that were ever told as examples of it, each with what was measured."""
        return {
            each.trace_id.hex(): each.as_double
            for told in self._metrics()
            if told.name == metric
            for point in told.histogram.data_points
            for each in point.exemplars
        }

    def _metrics(self) -> Iterator[Any]:
        for path, _, body in list(self.requests):
            if path == "/v1/metrics":
                for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                    for scope in resource.scope_metrics:
                        yield from scope.metrics

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.requests.append((self.path, dict(self.headers), body))
                collector.may_answer.wait(60)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        return Handler


def _labels(point: Any) -> dict[str, Any]:
    return {each.key: each.value.string_value or each.value.int_value for each in point.attributes}
