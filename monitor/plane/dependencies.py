"""Which service calls which, for Jaeger's page of the system: counted in the stored spans, as Jaeger counts none.

Jaeger reads the counts of a day from an index of that day. For Elasticsearch its own project offers a Spark job, which
joins each span with its parent. Here every span of a kind has the same parent, so three counts say the same.
"""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from monitor.plane.elasticsearch import Elasticsearch
from throughline.journey.elasticsearch_client import Unanswered

USER: Final = "throughline_jaeger"  # who alone may write what Jaeger reads
INTERVAL_SECONDS: Final = 30
_LATE: Final = timedelta(minutes=10)  # for as long after midnight spans of the day before may still arrive
_HAS_PARENT: Final = {"nested": {"path": "references", "query": {"exists": {"field": "references.spanID"}}}}
_FIRST_RUN: Final = [
    {"term": {"process.serviceName": "worker"}},
    {"term": {"tag.span@kind": "consumer"}},
    {"term": {"tag.attempt": "1"}},
]
_OF_A_CHILD: Final = {"exists": {"field": "tag.parent_id"}}
# Caller, called → the spans of which each is one call. A task that a task submitted is a call from worker to worker.
_CALLS: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("nginx", "api"): {
        "filter": [{"term": {"process.serviceName": "api"}}, {"term": {"tag.span@kind": "server"}}, _HAS_PARENT]
    },
    ("api", "worker"): {"filter": [*_FIRST_RUN, _HAS_PARENT], "must_not": [_OF_A_CHILD]},
    ("worker", "worker"): {"filter": [*_FIRST_RUN, _OF_A_CHILD]},
}
_logger: Final = logging.getLogger("throughline.dependencies")


class Dependencies:
    """`Dependencies(client)()` counts the calls of today and keeps them where Jaeger looks."""

    def __init__(self, server: Elasticsearch, clock: Callable[[], float] = time.time) -> None:
        self._server, self._clock = server, clock
        self._answers = True

    def __call__(self) -> None:
        now = datetime.fromtimestamp(self._clock(), UTC)
        try:
            for day in sorted({now.date(), (now - _LATE).date()}):
                until = min(now, datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC))
                self._keep(until)
        except Unanswered as error:
            if self._answers:  # once per outage
                _logger.warning("%s", error)
            self._answers = False
        else:
            self._answers = True

    def _keep(self, until: datetime) -> None:
        """One document a day, each time in the place of the one before."""
        calls = list(self._calls(until))
        if calls:
            kept = {"timestamp": f"{until:%Y-%m-%dT%H:%M:%S}.000Z", "dependencies": calls}
            self._server.ask("PUT", f"/jaeger-dependencies-{until:%Y-%m-%d}/_doc/calls", kept)

    def _calls(self, until: datetime) -> Iterator[dict[str, Any]]:
        counted = {f"{caller} {called}": {"filter": {"bool": spans}} for (caller, called), spans in _CALLS.items()}
        path = f"/jaeger-span-{until:%Y-%m-%d}/_search?ignore_unavailable=true"
        answer = self._server.ask("POST", path, {"size": 0, "aggs": counted})
        for caller, called in _CALLS:
            # Without an index for the day there are no aggregations.
            many = answer.get("aggregations", {}).get(f"{caller} {called}", {}).get("doc_count", 0)
            if many:
                yield {"parent": caller, "child": called, "callCount": many}
