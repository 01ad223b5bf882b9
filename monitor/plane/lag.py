"""`python -m monitor.plane.lag`: how old the newest findable log line is, as a metric for Prometheus.

Filebeat's own statistics say what it read and sent, not whether a printed line can be found. NGINX prints a line every
few seconds, at least for its health check, so a stack without requests is not behind. With the password of Jaeger's
user it also keeps Jaeger's counts of calls between services: see dependencies.py.
"""

import logging
import os
import time
from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, start_http_server

from monitor.plane import dependencies
from monitor.plane.dependencies import Dependencies
from monitor.plane.elasticsearch import Elasticsearch
from throughline.journey.elasticsearch_client import Client, Unanswered
from throughline.settings import PlaneSettings
from throughline.telemetry import logging as log_lines
from throughline.telemetry import vocabulary

PORT: Final = 8085  # as in prometheus.yml
_METRIC: Final = "throughline.logs.lag"
_SECONDS: Final = 5  # Prometheus gives up after ten
_NEWEST: Final = {"size": 0, "aggs": {"newest": {"max": {"field": "@timestamp"}}}}
_logger: Final = logging.getLogger("throughline.lag")


class Lag:
    """Seconds since the newest line was written. While Elasticsearch does not answer, it uses the last known line."""

    def __init__(self, server: Elasticsearch, clock: Callable[[], float] = time.time) -> None:
        self._server, self._clock = server, clock
        self._newest = clock()
        self._answers = True

    def __call__(self) -> float:
        try:
            answer = self._server.ask("POST", "/logs-throughline-default/_search", _NEWEST)
        except Unanswered as error:
            if self._answers:  # once per outage
                _logger.warning("%s", error)
            self._answers = False
        else:
            self._answers = True
            milliseconds = answer["aggregations"]["newest"]["value"]  # None: there is no line yet
            self._newest = milliseconds / 1000 if milliseconds else self._newest
        return max(0.0, self._clock() - self._newest)


def main() -> None:
    settings = PlaneSettings.load()
    log_lines.setup("log-lag", settings)
    registry = CollectorRegistry()
    name = f"{_METRIC.replace('.', '_')}_seconds"
    gauge = Gauge(name, vocabulary.load()["metrics"][_METRIC]["means"], registry=registry)
    url, user, password = settings.elasticsearch_url, settings.elasticsearch_user, settings.elasticsearch_password
    with Client(url, user, password, _SECONDS, settings.elasticsearch_ca_file) as client:
        gauge.set_function(Lag(client))
        _, thread = start_http_server(PORT, registry=registry)
        if of_jaeger := os.environ.get("JAEGER_PASSWORD"):
            _keep_dependencies(settings, of_jaeger)
        thread.join()


def _keep_dependencies(settings: PlaneSettings, password: str) -> None:
    """For as long as the program runs."""
    url, certificate = settings.elasticsearch_url, settings.elasticsearch_ca_file
    with Client(url, dependencies.USER, password, _SECONDS, certificate) as client:
        keep = Dependencies(client)
        while True:
            keep()
            time.sleep(dependencies.INTERVAL_SECONDS)


if __name__ == "__main__":
    main()
