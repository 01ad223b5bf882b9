"""Follows log lines in Elasticsearch: asked every second for what is new, each line once.

Elasticsearch finds a line some seconds after it was written, and those of different instances not in order. So each
call looks back over the last 30 seconds once more, and leaves out what it has told already, by the line's `_id`, which
Filebeat makes from the line itself. A line that comes more than 30 s after newer ones is not told; `--since` without
`--follow` finds it. Pages begin at the time of the last line, which is told already: `search_after` needs a tie-break
for lines of the same millisecond, and Elasticsearch sorts by no field that all lines have and none share.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from throughline.journey.elasticsearch_client import Client
from throughline.journey.one_clock import told_by_redis
from throughline.tail.wanted import API_PATH, Wanted

_INDICES: Final = "logs-throughline-*"
_LATE_MS: Final = 30_000
_PAGE: Final = 1000
_MOST_AT_ONCE: Final = 10_000  # what Elasticsearch gives in one answer, and what one look tells at most
Line = dict[str, Any]
_PAGES: Final[Line] = {
    "filter": [{"exists": {"field": "url.path"}}, {"range": {"http.response.status_code": {"lt": 400}}}],
    "must_not": {"prefix": {"url.path": API_PATH}},
}


class FollowedElasticsearch:
    """`since`: where to begin."""

    def __init__(self, client: Client, wanted: Wanted, since: datetime) -> None:
        self._client = client
        self._filters = filters(wanted)
        self._since = round(since.timestamp() * 1000)
        self._told: dict[str, int] = {}  # the `_id`s of the last 30 s, with their times

    def poll(self) -> list[Line]:
        """What is new, in the order of time, by Redis's clock; raises `Unanswered`."""
        newest = max(self._told.values(), default=0)
        begin = max(self._since, newest - _LATE_MS)
        found = [hit for hit in self._pages(begin) if hit["_id"] not in self._told]
        self._told |= {hit["_id"]: int(hit["sort"][0]) for hit in found}
        oldest = max(self._told.values(), default=0) - _LATE_MS
        self._told = {name: at for name, at in self._told.items() if at >= oldest}
        return sorted((hit["_source"] for hit in found), key=lambda line: told_by_redis(line).at_ns or 0)

    def _pages(self, begin: int) -> Iterator[Mapping[str, Any]]:
        seen: set[str] = set()
        size = _PAGE
        while len(seen) < _MOST_AT_ONCE:
            hits = search(self._client, [*self._filters, _from(begin)], "asc", size)
            new = [hit for hit in hits if hit["_id"] not in seen]
            yield from new
            seen |= {hit["_id"] for hit in new}
            if len(hits) < size or (not new and size == _MOST_AT_ONCE):
                return
            if not new:  # a whole page of one millisecond
                size = _MOST_AT_ONCE
            begin = int(hits[-1]["sort"][0])


def recent(client: Client, wanted: Wanted, since: datetime, most: int) -> list[Line]:
    """The newest lines since then, at most so many, in the order of time."""
    begin = _from(round(since.timestamp() * 1000))
    hits = search(client, [*filters(wanted), begin], "desc", min(most, _MOST_AT_ONCE))
    return [hit["_source"] for hit in reversed(hits)]


def search(client: Client, wanted: list[Line], order: str, size: int) -> list[Any]:
    query = {
        "query": {"bool": {"filter": wanted}},
        "sort": [{"@timestamp": {"order": order, "format": "epoch_millis"}}],
        "size": size,
        "track_total_hits": False,
    }
    answer = client.ask("POST", f"/{_INDICES}/_search?ignore_unavailable=true", query)
    return list(answer["hits"]["hits"])


def filters(wanted: Wanted) -> list[Line]:
    """The same lines as `Wanted.lets_through`."""
    found: list[Line] = []
    if wanted.correlation_id:
        found.append(_either(wanted.correlation_id, "correlation_id", "requested_by"))
    if wanted.task_id:
        found.append({"term": {"task_id": wanted.task_id}})
    if wanted.service:
        found.append(_either(wanted.service, "service.name", "service.node.name"))
    if wanted.leaves_out_pages:
        found.append({"bool": {"must_not": {"bool": _PAGES}}})
    if wanted.level:
        found.append({"terms": {"log.level": list(wanted.levels)}})
    return found


def _either(value: str, *fields: str) -> Line:
    return {"bool": {"should": [{"term": {field: value}} for field in fields], "minimum_should_match": 1}}


def _from(milliseconds: int) -> Line:
    return {"range": {"@timestamp": {"gte": milliseconds, "format": "epoch_millis"}}}
