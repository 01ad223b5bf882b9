"""What a panel shows: its saved object turned into the search that Kibana makes of it, asked of Elasticsearch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tests.saved_objects import Saved
from throughline.journey.elasticsearch_client import Client

Row = dict[str, Any]  # column → value
_IN: Final = "in"  # the measure inside its column's filter
_MEASURES: Final = {"average": "avg", "max": "max", "min": "min", "sum": "sum", "unique_count": "cardinality"}


@dataclass(frozen=True)
class Looking:
    """Someone who looks at a dashboard: at a time (milliseconds), with a query in the bar."""

    client: Client
    since: int
    until: int
    query_bar: str = ""

    def rows(self, lens: Saved, interval: str = "1h") -> list[Row]:
        """The Lens panel's table, a row for each combination of its buckets."""
        layer = lens.layers["layer"]
        columns, order = layer["columns"], layer["columnOrder"]
        buckets = [name for name in order if columns[name]["isBucketed"]]
        measures = {name: columns[name] for name in order if name not in buckets}
        body = self._body(lens) | {"size": 0, "aggs": _nested(buckets, columns, measures, interval)}
        answer = self._ask(lens, body)
        inside = answer.get("aggregations", {}) | {"doc_count": answer["hits"]["total"]["value"]}
        return list(_rows(inside, buckets, measures, {}))

    def value(self, lens: Saved) -> Any:
        """What a panel of one figure shows."""
        (row,) = self.rows(lens)
        return row["value"]

    def hits(self, search: Saved, size: int = 500) -> list[dict[str, list[Any]]]:
        """A saved search's documents in its order, with the values of its columns and of the time."""
        time = {"field": "@timestamp", "format": "epoch_millis"}  # lines and spans keep it differently
        fields = [time, *search.attributes["columns"]]
        sort = [{field: direction} for field, direction in search.attributes["sort"]]
        body = self._body(search) | {"size": size, "_source": False, "fields": fields, "sort": sort}
        return [hit.get("fields", {}) for hit in self._ask(search, body)["hits"]["hits"]]

    def vega(self, visualization: Saved) -> dict[str, Any]:
        """What a Vega panel is given: its own body with the query bar and the time as the query, as %context% says."""
        url = orjson.loads(visualization.visualization["params"]["spec"])["data"]["url"]
        body = url["body"] | {"query": self._query("")}
        answer: dict[str, Any] = self.client.ask("POST", f"/{url['index']}/_search", body)
        return answer

    def _body(self, saved: Saved) -> dict[str, Any]:
        runtime = saved.data_view.runtime
        return {"query": self._query(saved.query), "runtime_mappings": runtime, "track_total_hits": True}

    def _query(self, own: str) -> dict[str, Any]:
        time = {"gte": self.since, "lte": self.until, "format": "epoch_millis"}
        asked = [_kql(query) for query in (own, self.query_bar) if query]
        return {"bool": {"filter": [{"range": {"@timestamp": time}}, *asked]}}

    def _ask(self, saved: Saved, body: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.ask("POST", f"/{saved.data_view.title}/_search", body)
        return answer


def _kql(query: str) -> dict[str, Any]:
    return {"kql": {"query": query}}


def _nested(
    buckets: list[str], columns: Mapping[str, Any], measures: Mapping[str, Any], interval: str
) -> dict[str, Any]:
    """Each bucket holds the next one; the measures are in each, since a bucket may be ordered by one of them."""
    own = {name: found for name, column in measures.items() if (found := _measure(column))}
    if not buckets:
        return own
    first, *rest = buckets
    inner = own | (_nested(rest, columns, measures, interval) if rest else {})
    return {first: _bucket(columns[first], columns, interval) | {"aggs": inner}}


def _bucket(column: Mapping[str, Any], columns: Mapping[str, Any], interval: str) -> dict[str, Any]:
    field, params = column["sourceField"], column["params"]
    match column["operationType"]:
        case "date_histogram":
            shortest = params["interval"]
            if shortest != "auto" and _seconds(shortest) > _seconds(interval):
                interval = shortest
            return {"date_histogram": {"field": field, "fixed_interval": interval, "min_doc_count": 0}}
        case "terms":
            by = params["orderBy"].get("columnId")
            key = "_key" if by is None else "_count" if columns[by]["operationType"] == "count" else by
            return {"terms": {"field": field, "size": params["size"], "order": {key: params["orderDirection"]}}}
        case "range":
            ranges = [
                {"key": each["label"]} | {end: each[end] for end in ("from", "to") if each[end] is not None}
                for each in params["ranges"]
            ]
            return {"range": {"field": field, "ranges": ranges}}
        case other:
            raise NotImplementedError(other)


def _seconds(interval: str) -> int:
    return int(interval[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[interval[-1]]


def _measure(column: Mapping[str, Any]) -> dict[str, Any]:
    """Empty for a plain count, which every bucket has."""
    own = _unfiltered(column)
    if "filter" not in column:
        return own
    return {"filter": _kql(column["filter"]["query"])} | ({"aggs": {_IN: own}} if own else {})


def _unfiltered(column: Mapping[str, Any]) -> dict[str, Any]:
    operation, field, params = column["operationType"], column["sourceField"], column["params"]
    match operation:
        case "count":
            return {}
        case "percentile":
            return {"percentiles": {"field": field, "percents": [params["percentile"]]}}
        case "last_value":  # Kibana asks for top_metrics, which says the same in fewer words
            order = {params["sortField"]: "desc"}
            return {"top_hits": {"size": 1, "sort": order, "_source": False, "fields": [field]}}
        case _:
            return {_MEASURES[operation]: {"field": field}}


def _rows(answer: Mapping[str, Any], buckets: list[str], measures: Mapping[str, Any], sofar: Row) -> Iterator[Row]:
    if not buckets:
        yield sofar | {name: _value(answer, name, column) for name, column in measures.items()}
        return
    first, *rest = buckets
    for bucket in answer[first]["buckets"]:
        yield from _rows(bucket, rest, measures, sofar | {first: bucket["key"]})


def _value(answer: Mapping[str, Any], name: str, column: Mapping[str, Any]) -> Any:
    own = answer
    if "filter" in column:
        own = answer[name]
        name = _IN
    if column["operationType"] == "count":
        return own["doc_count"]
    found = own[name]
    match column["operationType"]:
        case "percentile":
            (value,) = found["values"].values()
            return value
        case "last_value":
            newest = found["hits"]["hits"]
            return newest[0]["fields"][column["sourceField"]][0] if newest else None
        case _:
            return found["value"]
