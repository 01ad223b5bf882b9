"""What the ledger has counted, for Prometheus: every series of every known task type is there from the start, at 0.

A counter that is born with its first event hides that event from `rate()`. The SDK of OpenTelemetry has no histogram
that is read rather than recorded, so these families are made here, by the names that its exporter would give them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from monitor.slow_traces import SlowTraces
from throughline.ledger.counts import BOUNDS, OLDER, OTHER, OUTCOMES, Counts, Durations, grouped
from throughline.ledger.message import Queue
from throughline.ledger.states import FINAL
from throughline.telemetry import vocabulary

Labels = tuple[str, ...]

_EDGES: Final = (*map(floatToGoString, BOUNDS), "+Inf")


class CountsCollector(Collector):
    """Nothing before the first sample: zeros would make the counts of a monitor that was restarted leap."""

    def __init__(self, task_types: Sequence[str]) -> None:
        self._task_types = (*dict.fromkeys((*task_types, OTHER)),)
        self.counts: Counts | None = None
        self.examples = SlowTraces(self._task_types)
        self.versions: Sequence[str] = ()  # of the workers that run now

    def collect(self) -> Iterable[Metric]:
        return self._families(self.counts) if self.counts is not None else ()

    def _families(self, counts: Counts) -> Iterator[Metric]:
        types, versions = self._task_types, self.versions
        tasks = {(each.task_type, each.status): number for each, number in counts.ended.items()}
        yield _counter("throughline.tasks", tasks, [(name, status) for name in types for status in FINAL])
        runs = grouped(counts.ran, lambda each: (each.task_type, each.status))
        expected = [(name, status) for name in types for status in OUTCOMES]
        yield _counter("throughline.runs", {key: each.count for key, each in runs.items()}, expected)
        ran = grouped(counts.ran, lambda each: (each.task_type,))
        yield self._histogram("throughline.task.duration", ran, [(name,) for name in types])
        waited = grouped(counts.waited, lambda each: (each.task_type, each.queue))
        yield self._histogram(
            "throughline.task.queue_wait", waited, [(name, queue) for name in types for queue in Queue]
        )
        recent = {key: each for key, each in counts.ran.items() if key.version != OLDER}  # it leaps when one joins it
        by_version = grouped(recent, lambda each: (each.version, each.status))
        expected = [(version, status) for version in versions for status in OUTCOMES]
        yield _counter("throughline.version.runs", {key: each.count for key, each in by_version.items()}, expected)
        durations = grouped(recent, lambda each: (each.version,))
        yield self._histogram("throughline.version.duration", durations, [(version,) for version in versions])

    def _histogram(self, name: str, found: "Mapping[Any, Durations]", expected: Iterable[Labels]) -> Metric:
        names, means = _declared(name)
        family = HistogramMetricFamily(f"{_exported(name)}_seconds", means, labels=names)
        for labels in dict.fromkeys((*expected, *found)):
            measured = found.get(labels, Durations())
            upto = zip(_EDGES, accumulate(measured.within), self.examples.of((name, labels)), strict=True)
            buckets = [(edge, number, example) if example else (edge, number) for edge, number, example in upto]
            family.add_metric(list(labels), buckets, measured.seconds)
        return family


def _counter(name: str, found: "Mapping[Any, int]", expected: Iterable[Labels]) -> Metric:
    names, means = _declared(name)
    family = CounterMetricFamily(_exported(name), means, labels=names)
    for labels in dict.fromkeys((*expected, *found)):
        family.add_metric(list(labels), found.get(labels, 0))
    return family


def _declared(name: str) -> tuple[list[str], str]:
    declared = vocabulary.load()["metrics"][name]
    return [_exported(each) for each in declared["attributes"]], declared["means"]


def _exported(name: str) -> str:
    return name.replace(".", "_")
