"""The latest sample as OpenTelemetry gauges and counters, for Prometheus to scrape."""

import time
from collections.abc import Callable, Iterable

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, generate_latest

from throughline.ledger.queue_sample import CIRCUIT_STATES, Sample
from throughline.telemetry import vocabulary

_Observe = Callable[[Sample], Iterable[Observation]]

_OBSERVED: dict[str, _Observe] = {
    "throughline.queue.depth": lambda s: [Observation(n, {"queue": q}) for q, n in s.depth.items()],
    "throughline.queue.oldest_age": lambda s: [Observation(age, {"queue": q}) for q, age in s.oldest_age.items()],
    "throughline.tasks.in_flight": lambda s: [Observation(s.in_flight)],
    "throughline.dead_letters": lambda s: [Observation(s.dead_letters)],
    "throughline.workers.alive": lambda s: [Observation(len(s.workers))],
    "throughline.circuit.state": lambda s: [
        Observation(int(s.circuit == state), {"state": state}) for state in CIRCUIT_STATES
    ],
    "throughline.circuit.transitions": lambda s: [
        Observation(n, {"state": state}) for state, n in s.transitions.items()
    ],
    "throughline.redis.memory.used": lambda s: [Observation(s.memory_used)],
    "throughline.redis.memory.limit": lambda s: [Observation(s.memory_limit)],
    "throughline.memory.full": lambda s: [Observation(int(s.memory_full))],
    "throughline.promises": lambda s: [
        Observation(n, {"off_by": name}) for name, n in s.promises.items() if not name.endswith("_seconds")
    ],
    "throughline.promise.error": lambda s: [
        Observation(seconds, {"direction": name.removesuffix("_seconds")})
        for name, seconds in s.promises.items()
        if name.endswith("_seconds")
    ],
}


class Metrics:
    """Holds the latest sample and prints it in Prometheus's text format."""

    def __init__(self, node: str, workers_expected: int) -> None:
        self.registry = CollectorRegistry()
        reader = PrometheusMetricReader(scope_info_enabled=False, registry=self.registry)
        resource = Resource({"service.name": "monitor", "service.instance.id": node})
        self._provider = MeterProvider([reader], resource, shutdown_on_exit=False)
        self._sample: Sample | None = None
        self._taken = time.monotonic()
        for name, observe in _OBSERVED.items():
            self._observe(name, self._observing(observe))
        self._observe("throughline.workers.expected", lambda _: [Observation(workers_expected)])
        self._observe("throughline.sample.age", lambda _: [Observation(time.monotonic() - self._taken)])

    def update(self, sample: Sample) -> None:
        self._sample, self._taken = sample, time.monotonic()

    def text(self) -> bytes:
        return generate_latest(self.registry)

    def _observe(self, name: str, callback: Callable[[CallbackOptions], Iterable[Observation]]) -> None:
        declared = vocabulary.load()["metrics"][name]
        meter = self._provider.get_meter("throughline")
        create = meter.create_observable_counter if declared["kind"] == "counter" else meter.create_observable_gauge
        create(name, [callback], declared["unit"], declared["means"])

    def _observing(self, observe: _Observe) -> Callable[[CallbackOptions], Iterable[Observation]]:
        return lambda _: observe(self._sample) if self._sample is not None else []
