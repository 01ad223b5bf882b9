"""What Jaeger is told of calls between services."""

from typing import Any

from monitor.plane.dependencies import Dependencies
from throughline.journey.elasticsearch_client import Unanswered

MIDNIGHT = 1_795_651_200.0  # 2026-11-26 00:00 UTC


class Elasticsearch:
    """Finds as many spans for each pair of services; keeps what is stored."""

    def __init__(self, **found: int) -> None:
        self.found, self.kept, self.asked = found, dict[str, Any](), list[str]()
        self.away = False

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        if self.away:
            raise Unanswered("away")
        self.asked.append(path)
        if method == "PUT":
            self.kept[path] = body
            return {}
        counts = {name: {"doc_count": self.found.get(name.replace(" ", "_"), 0)} for name in body["aggs"]}
        return {"aggregations": counts} if self.found else {}


def test_each_pair_of_services_has_its_calls_of_the_day():
    server = Elasticsearch(nginx_api=7, api_worker=5)
    Dependencies(server, lambda: MIDNIGHT + 3600)()
    assert server.kept == {
        "/jaeger-dependencies-2026-11-26/_doc/calls": {
            "timestamp": "2026-11-26T01:00:00.000Z",
            "dependencies": [
                {"parent": "nginx", "child": "api", "callCount": 7},
                {"parent": "api", "child": "worker", "callCount": 5},
            ],
        }
    }


def test_soon_after_midnight_the_day_before_is_counted_to_its_end():
    server = Elasticsearch(nginx_api=1)
    Dependencies(server, lambda: MIDNIGHT + 60)()
    assert {path: kept["timestamp"] for path, kept in server.kept.items()} == {
        "/jaeger-dependencies-2026-11-25/_doc/calls": "2026-11-25T23:59:59.000Z",
        "/jaeger-dependencies-2026-11-26/_doc/calls": "2026-11-26T00:01:00.000Z",
    }
    later = Elasticsearch(nginx_api=1)
    Dependencies(later, lambda: MIDNIGHT + 601)()
    assert [*later.kept] == ["/jaeger-dependencies-2026-11-26/_doc/calls"]


def test_a_day_without_spans_leaves_nothing():
    server = Elasticsearch()
    Dependencies(server, lambda: MIDNIGHT + 3600)()
    assert server.asked
    assert not server.kept


def test_an_outage_is_told_once_and_counting_goes_on(caplog: Any):
    server = Elasticsearch(nginx_api=1)
    keep = Dependencies(server, lambda: MIDNIGHT + 3600)
    server.away = True
    keep()
    keep()
    assert len(caplog.records) == 1
    server.away = False
    keep()
    assert server.kept
