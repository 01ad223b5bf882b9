"""The profile of the stack: one request that Elasticsearch answers with figures, whatever number of spans there are."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from throughline.journey.elasticsearch_client import Client
from throughline.profile.profile import Figures, Profile, profile_of
from throughline.profile.sampling import Sampling
from throughline.profile.step import Key, Step
from throughline.profile.window import Window

_SPANS: Final = "jaeger-span-*"
_LINES: Final = "logs-throughline-*"
_MOST_TYPES: Final = 100
_MOST_PHASES: Final = 100  # of one type
_MEASURED: Final[dict[str, Any]] = {
    "percentiles": {"percentiles": {"field": "duration", "percents": [50, 95, 99], "keyed": False}},  # t-digest
    "total": {"sum": {"field": "duration"}},
}
_A_PHASE: Final = {"exists": {"field": "tag.phase"}}


def profile(client: Client, window: Window, task_type: str = "") -> Profile:
    """Of one type of task or of all; `Unanswered` when Elasticsearch is away or refuses."""
    answer = client.ask("POST", f"/{_SPANS}/_search?ignore_unavailable=true", _query(window, task_type))
    buckets = answer.get("aggregations", {}).get("types", {}).get("buckets", [])  # none where there is no index yet
    figures = dict(pair for bucket in buckets for pair in _figures(bucket))
    return profile_of(figures, window, is_exact=False, sampling=_sampling(client, window, task_type))


def _sampling(client: Client, window: Window, task_type: str) -> Sampling:
    """By the log lines of submissions: the unsampled tasks are in no span."""
    times = {"gte": window.since_ns // 10**6, "lt": window.until_ns // 10**6, "format": "epoch_millis"}
    named: list[dict[str, Any]] = [{"term": {"event.action": "task.submitted"}}, {"range": {"@timestamp": times}}]
    if task_type:
        named.append({"term": {"task_type": task_type}})
    aggregations = {
        "submitted": {"filter": {"match_all": {}}},
        "unsampled": {"filter": {"term": {"trace.sampled": False}}},
    }
    query = {"size": 0, "track_total_hits": False, "query": {"bool": {"filter": named}}, "aggs": aggregations}
    answer = client.ask("POST", f"/{_LINES}/_search?ignore_unavailable=true", query)
    counts = answer.get("aggregations", {})
    return Sampling(*(counts.get(name, {}).get("doc_count", 0) for name in aggregations))


def _query(window: Window, task_type: str) -> dict[str, Any]:
    times = {"gte": window.since_ns // 10**6, "lt": window.until_ns // 10**6, "format": "epoch_millis"}
    of_a_task = {"term": {"tag.task_type": task_type}} if task_type else {"exists": {"field": "tag.task_type"}}
    named = [{"range": {"startTimeMillis": times}}, of_a_task]
    return {
        "size": 0,
        "track_total_hits": False,
        "query": {"bool": {"filter": named, "must_not": [{"term": {"tag.task_type": ""}}]}},
        "aggs": {
            "types": {
                "terms": {"field": "tag.task_type", "size": _MOST_TYPES},
                "aggs": {
                    "steps": {"filters": {"filters": _filters()}, "aggs": _MEASURED},
                    "phases": {
                        "filter": _A_PHASE,
                        "aggs": {
                            "names": {"terms": {"field": "operationName", "size": _MOST_PHASES}, "aggs": _MEASURED}
                        },
                    },
                },
            }
        },
    }


def _filters() -> dict[str, Any]:
    """What `step_of` decides, as Elasticsearch's filters."""
    first = {"term": {"tag.attempt": "1"}}
    waits = _spans("internal", "worker", {"prefix": {"operationName": "wait "}})
    return {
        Step.NGINX.value: _spans("server", "nginx"),
        Step.API.value: _spans("server", "api"),
        Step.PUBLISH.value: _spans("producer", "", {"prefix": {"operationName": "publish "}}),
        Step.WAIT.value: {"bool": {"filter": [waits, first]}},
        Step.WAIT_AGAIN.value: {"bool": {"filter": [waits], "must_not": [first]}},
        Step.RUN.value: _spans("consumer", "worker"),
    }


def _spans(kind: str, service: str, *more: dict[str, Any]) -> dict[str, Any]:
    own = [{"term": {"tag.span@kind": kind}}, *more]
    if service:
        own.append({"term": {"process.serviceName": service}})
    return {"bool": {"filter": own, "must_not": [_A_PHASE]}}


def _figures(of_type: Mapping[str, Any]) -> Iterator[tuple[Key, Figures]]:
    task_type = of_type["key"]
    for name, bucket in of_type["steps"]["buckets"].items():
        if bucket["doc_count"]:
            yield Key(task_type, Step(name)), _measured(bucket)
    for bucket in of_type["phases"]["names"]["buckets"]:
        yield Key(task_type, Step.PHASE, bucket["key"]), _measured(bucket)


def _measured(bucket: Mapping[str, Any]) -> Figures:
    """Jaeger keeps microseconds."""
    p50, p95, p99 = (round(each["value"] * 1000) for each in bucket["percentiles"]["values"])
    return Figures(bucket["doc_count"], p50, p95, p99, round(bucket["total"]["value"] * 1000))
