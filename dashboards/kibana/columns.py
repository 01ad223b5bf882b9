"""Columns of a Lens panel: what is computed of the documents, as Lens keeps it."""

import itertools
from collections.abc import Mapping
from typing import Any, Final

from dashboards.kibana.data_views import is_duration
from dashboards.kibana.saved_object import kql

Column = dict[str, Any]

PERCENT: Final = {"id": "percent", "params": {"decimals": 1}}
_WHOLE: Final = {"id": "number", "params": {"decimals": 0}}
_RECORDS: Final = "___records___"


def _column(operation: str, label: str, **more: Any) -> Column:
    base = {"operationType": operation, "label": label, "customLabel": True, "isBucketed": False}
    return base | {"dataType": "number", "scale": "ratio"} | more


def _measured(operation: str, label: str, field: str, only: str, **params: Any) -> Column:
    found = _column(operation, label, sourceField=field, params=_format(field) | params)
    return found | ({"filter": kql(only)} if only else {})


def _format(field: str) -> dict[str, Any]:
    """A duration's is that of its field in the data view: Lens itself knows no format that makes minutes of it."""
    return {} if is_duration(field) else {"format": _WHOLE}


# ── Measures


def count(label: str, only: str = "", per: str = "") -> Column:
    """How many documents; `only` those that the query finds; `per` "s" or "m" makes a rate of it."""
    found = _column("count", label, sourceField=_RECORDS, params={"emptyAsNull": False})
    return found | ({"filter": kql(only)} if only else {}) | ({"timeScale": per} if per else {})


def average(label: str, field: str, only: str = "", **params: Any) -> Column:
    return _measured("average", label, field, only, **params)


def highest(label: str, field: str, only: str = "") -> Column:
    return _measured("max", label, field, only)


def lowest(label: str, field: str, only: str = "") -> Column:
    return _measured("min", label, field, only)


def total(label: str, field: str, only: str = "") -> Column:
    return _measured("sum", label, field, only, emptyAsNull=True)


def different(label: str, field: str, only: str = "") -> Column:
    """How many values."""
    return _measured("unique_count", label, field, only, emptyAsNull=False)


def percentile(label: str, field: str, percent: float, only: str = "") -> Column:
    return _measured("percentile", label, field, only, percentile=percent)


def percentiles(field: str) -> dict[str, Column]:
    """The three that a latency is judged by."""
    return {f"p{percent}": percentile(f"p{percent}", field, percent) for percent in (50, 95, 99)}


def latest(label: str, field: str, kind: str = "number") -> Column:
    """The newest document's value; `kind` is Lens's word for the field's type."""
    params: dict[str, Any] = {"sortField": "@timestamp", "showArrayValues": False}
    if kind == "number":
        params |= _format(field)
    scale = "ratio" if kind == "number" else "ordinal"
    found = _column("last_value", label, sourceField=field, params=params, dataType=kind, scale=scale)
    return found | {"filter": kql(f'"{field}": *')}


def constant(label: str, value: float, format_: dict[str, Any]) -> Column:
    """A line to compare with."""
    params = {"value": str(value), "format": format_}
    return _column("static_value", label, params=params, references=[], isStaticValue=True)


# ── Buckets


def over_time(interval: str = "auto") -> Column:
    """Lens makes `interval` longer where the time that is looked at would have too many of them, but never shorter."""
    params = {"interval": interval, "includeEmptyRows": True, "dropPartials": False}
    more = {"dataType": "date", "scale": "interval", "isBucketed": True}
    return _column("date_histogram", "@timestamp", sourceField="@timestamp", params=params, **more)


def sampled() -> Column:
    """Time in intervals that each hold a sample of the monitor, which takes one every five seconds."""
    return over_time("10s")


def by(label: str, field: str, most: int = 10, order: str = "") -> Column:
    """Each value of a keyword, the `most` first of them by the column `order`, else by name."""
    ordering: dict[str, Any] = {"type": "alphabetical", "fallback": False}
    if order:
        ordering = {"type": "column", "columnId": order}
    params: dict[str, Any] = {
        "size": most,
        "orderBy": ordering,
        "orderDirection": "desc" if order else "asc",
        "otherBucket": False,
        "missingBucket": False,
        "parentFormat": {"id": "terms"},
        "include": [],
        "exclude": [],
        "includeIsRegex": False,
        "excludeIsRegex": False,
    }
    more = {"dataType": "string", "scale": "ordinal", "isBucketed": True}
    return _column("terms", label, sourceField=field, params=params, **more)


def by_task_type(order: str = "") -> Column:
    """The types come from the documents: a type that was added later is shown without a change here."""
    return by("Task type", "task_type", most=50, order=order)


def in_ranges(label: str, field: str, edges: Mapping[float, str]) -> Column:
    """Up to each edge, and beyond the last; called by the upper edge alone, since a cell has room for no more."""
    bounds = [None, *edges, None]
    labels = [*edges.values(), f"> {list(edges.values())[-1]}"]
    ranges = [
        {"from": low, "to": high, "label": name}
        for (low, high), name in zip(itertools.pairwise(bounds), labels, strict=True)
    ]
    shown = {"id": "range", "params": {"template": "arrow_right", "replaceInfinity": True}}
    params = {"type": "range", "ranges": ranges, "maxBars": "auto", "parentFormat": shown}
    more = {"dataType": "string", "scale": "ordinal", "isBucketed": True}
    return _column("range", label, sourceField=field, params=params, **more)
