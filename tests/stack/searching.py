"""What Elasticsearch holds, counted as the tests need it."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.stack.load import Service
from tests.stack.stack import NINE, Stack


def lines_by_node(stack: Stack, since: int, until: int) -> Counter[str]:
    """How many log lines of that time each of the nine has in Elasticsearch."""
    query = {
        "size": 0,
        "query": {"range": {"@timestamp": {"gte": since, "lt": until, "format": "epoch_millis"}}},
        "aggs": {"node": {"terms": {"field": "service.node.name", "size": 100}}},
    }
    with stack.reader() as client:
        answer = client.ask("POST", "/logs-throughline-default/_search", query)
    return Counter({bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"]["node"]["buckets"]})


def printed_by_node(stack: Stack, since: int, until: int) -> Counter[str]:
    """How many JSON lines of that time their containers printed, by Docker's own account."""
    return Counter(
        line["service.node.name"]
        for name in NINE
        if name != "redis"  # prints no JSON
        for line in stack.printed(name)
        # Lines that a test itself let one of them print have no time.
        if "@timestamp" in line and since <= _milliseconds(line["@timestamp"]) < until
    )


def _milliseconds(timestamp: str) -> int:
    """As Elasticsearch keeps it: without what is finer. NGINX writes three decimals, Python six."""
    return (datetime.fromisoformat(timestamp) - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)


def spans_by_name(stack: Stack, prefix: str) -> Counter[str]:
    """How many different spans of each name the correlation IDs with this prefix have: counted, not estimated."""
    sources = [{"name": {"terms": {"field": "operationName"}}}, {"span": {"terms": {"field": "spanID"}}}]
    page: dict[str, Any] = {"size": 10_000, "sources": sources}
    found: Counter[str] = Counter()
    with stack.reader() as client:
        while True:
            query = {
                "size": 0,
                "query": {"prefix": {"correlation_id": f"{prefix}-"}},
                "aggs": {"all": {"composite": page}},
            }
            found_nothing: dict[str, Any] = {"all": {"buckets": []}}  # before the first span there is no index
            whole = client.ask("POST", "/jaeger-span-*/_search", query)
            answer = whole.get("aggregations", found_nothing)["all"]
            found.update(bucket["key"]["name"] for bucket in answer["buckets"])
            if "after_key" not in answer:
                return found
            page["after"] = answer["after_key"]


def unparsed(stack: Stack, text: str) -> list[dict[str, Any]]:
    """Lines of the second stream that say this."""
    query = {"query": {"match_phrase": {"message": text}}}
    with stack.reader() as client:
        answer = client.ask("POST", "/logs-throughline.unparsed-default/_search", query)
    return [hit["_source"] for hit in answer["hits"]["hits"]]


def all_done(service: Service, task_ids: Iterable[str]) -> bool:
    with service.http() as client:
        return all(client.get(f"/api/v1/tasks/{task}").json().get("status") == "SUCCESS" for task in task_ids)
