"""The latest sample as OpenTelemetry gauges and counters, for Prometheus to scrape."""

import os
import time
from collections.abc import Callable, Iterable, Sequence

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from prometheus_client import CollectorRegistry

from monitor.archive import Behind
from monitor.counts_collector import CountsCollector
from monitor.exposition import TEXT, Format
from monitor.slow_traces import SlowTraces
from throughline.ledger.clocks import HostClock
from throughline.ledger.deployments import Versions
from throughline.ledger.queue_sample import CIRCUIT_STATES, PROMISE_ERRORS, Sample
from throughline.telemetry import source, vocabulary

_Observe = Callable[[Sample], Iterable[Observation]]

_OBSERVED: dict[str, _Observe] = {
    "throughline.queue.depth": lambda s: [Observation(n, {"queue": q}) for q, n in s.depth.items()],
    "throughline.queue.oldest_age": lambda s: [Observation(age, {"queue": q}) for q, age in s.oldest_age.items()],
    "throughline.tasks.in_flight": lambda s: [Observation(s.in_flight)],
    "throughline.tasks.outstanding": lambda s: [Observation(s.outstanding)],
    "throughline.workers.slots": lambda s: [Observation(s.slots)],
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
        Observation(s.promises.get(each, 0), {"off_by": each}) for each in PROMISE_ERRORS
    ],
    "throughline.promise.error": lambda s: [
        Observation(s.promises.get(f"{each}_seconds", 0), {"direction": each}) for each in ("early", "late")
    ],
}


class Metrics:
    """Holds the latest sample and prints it for Prometheus."""

    def __init__(self, node: str, version: str, workers_expected: int, task_types: Sequence[str] = ()) -> None:
        self.registry = CollectorRegistry()
        self._counts = CountsCollector(task_types)
        self.registry.register(self._counts)
        reader = PrometheusMetricReader(scope_info_enabled=False, registry=self.registry)
        # The SDK reads it from the environment alone. It turns off what a program tells of itself; but these figures
        # are what the monitor is for: alerts and scaling go by them.
        os.environ.pop("OTEL_SDK_DISABLED", None)
        resource, examples = source.of("monitor", node, version), AlwaysOffExemplarFilter()
        self._provider = MeterProvider([reader], resource, shutdown_on_exit=False, exemplar_filter=examples)
        self._sample: Sample | None = None
        self._behind: Behind | None = None
        self._versions: Versions | None = None
        self._clocks: Sequence[HostClock] = ()
        self._taken = time.monotonic()
        self.data_lost = False
        for name, observe in _OBSERVED.items():
            self._observe(name, self._observing(observe))
        self._observe("throughline.dead_letters", self._observe_dead_letters)
        self._observe("throughline.history.behind", lambda _: self._of_history(lambda b: b.tasks))
        self._observe("throughline.history.behind_age", lambda _: self._of_history(lambda b: b.seconds))
        self._observe("throughline.workers.expected", lambda _: [Observation(workers_expected)])
        self._observe("throughline.version_info", self._observe_versions)
        self._observe("throughline.version.since", self._observe_since)
        self._observe("throughline.redis.data_lost", lambda _: [Observation(int(self.data_lost))])
        self._observe("throughline.clock.offset", self._observe_clocks)
        self._observe("throughline.sample.age", lambda _: [Observation(time.monotonic() - self._taken)])

    def update(self, sample: Sample, behind: Behind | None = None) -> None:
        self._sample, self._behind, self._taken = sample, behind, time.monotonic()
        self._counts.counts = sample.counts

    def show(self, versions: Versions, clocks: Sequence[HostClock] = ()) -> None:
        self._versions, self._clocks = versions, clocks
        self._counts.versions = [each.version for each in versions.running if each.service == "worker"]

    @property
    def examples(self) -> SlowTraces:
        """Traces of slow tasks, which OpenMetrics shows."""
        return self._counts.examples

    def text(self, format_: Format = TEXT) -> bytes:
        return format_.written(self.registry)

    def _observe(self, name: str, callback: Callable[[CallbackOptions], Iterable[Observation]]) -> None:
        declared = vocabulary.load()["metrics"][name]
        meter = self._provider.get_meter("throughline")
        create = meter.create_observable_counter if declared["kind"] == "counter" else meter.create_observable_gauge
        create(name, [callback], declared["unit"], declared["means"])

    def _observing(self, observe: _Observe) -> Callable[[CallbackOptions], Iterable[Observation]]:
        return lambda _: observe(self._sample) if self._sample is not None else []

    def _of_history(self, number: Callable[[Behind], float]) -> Iterable[Observation]:
        return [Observation(number(self._behind))] if self._behind is not None else []

    def _observe_versions(self, _: CallbackOptions) -> Iterable[Observation]:
        running = self._versions.running if self._versions else ()
        return [Observation(1, {"service": each.service, "version": each.version}) for each in running]

    def _observe_since(self, _: CallbackOptions) -> Iterable[Observation]:
        running = self._versions.running if self._versions else ()
        return [Observation(each.since, {"service": each.service, "version": each.version}) for each in running]

    def _observe_clocks(self, _: CallbackOptions) -> Iterable[Observation]:
        return [Observation(each.ahead, {"service": each.service, "node": each.node}) for each in self._clocks]

    def _observe_dead_letters(self, _: CallbackOptions) -> Iterable[Observation]:
        """Those in Redis, and those that only the history has."""
        if self._sample is None:
            return []
        return [Observation(self._sample.dead_letters + (self._behind.dead_letters if self._behind else 0))]
