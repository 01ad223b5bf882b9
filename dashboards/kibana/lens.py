"""Lens panels: columns drawn as lines, bars, one figure, a table or a heatmap."""

from collections.abc import Mapping
from typing import Any, Final

from dashboards.kibana.columns import Column
from dashboards.kibana.data_views import LINES
from dashboards.kibana.saved_object import SavedObject, kql

_LAYER: Final = "layer"
_REFERENCE: Final = "reference"
_RED: Final = "#cc5642"


def chart(
    own_id: str,
    title: str,
    query: str,
    series: str,
    columns: Mapping[str, Column],
    limit: Column | None = None,
) -> SavedObject:
    """Over the first column; split by the second, where that is a bucket too; `limit` is a line across."""
    x, *rest = columns
    split = [name for name in rest if columns[name]["isBucketed"]]
    layer: dict[str, Any] = {
        "layerId": _LAYER,
        "layerType": "data",
        "seriesType": series,
        "xAccessor": x,
        "accessors": [name for name in rest if name not in split],
        **({"splitAccessor": split[0]} if split else {}),
    }
    layers = {_LAYER: columns} | ({_REFERENCE: {"limit": limit}} if limit else {})
    state = {
        "preferredSeriesType": series,
        "legend": {"isVisible": True, "position": "bottom", "showSingleSeries": False},
        "valueLabels": "hide",
        "fittingFunction": "None",
        "axisTitlesVisibilitySettings": {"x": False, "yLeft": False, "yRight": False},
        "layers": [layer, *([_line_across()] if limit else [])],
    }
    return _lens(own_id, title, query, "lnsXY", state, layers)


def _line_across() -> dict[str, Any]:
    look = {"forAccessor": "limit", "axisMode": "left", "color": _RED, "lineStyle": "dashed", "lineWidth": 2}
    return {
        "layerId": _REFERENCE,
        "layerType": "referenceLine",
        "accessors": ["limit"],
        "yConfig": [look | {"fill": "none", "textVisibility": True}],
    }


def figure(own_id: str, title: str, query: str, column: Column) -> SavedObject:
    """One number or word, large."""
    state = {"layerId": _LAYER, "layerType": "data", "metricAccessor": "value"}
    return _lens(own_id, title, query, "lnsMetric", state, {_LAYER: {"value": column}})


def table(own_id: str, title: str, query: str, columns: Mapping[str, Column], sort: str) -> SavedObject:
    """A row for each combination of the bucket columns, the highest of the column `sort` first."""
    state = {
        "layerId": _LAYER,
        "layerType": "data",
        "columns": [{"columnId": name} for name in columns],
        "sorting": {"columnId": sort, "direction": "desc"},
    }
    return _lens(own_id, title, query, "lnsDatatable", state, {_LAYER: columns})


def heatmap(own_id: str, title: str, query: str, columns: Mapping[str, Column]) -> SavedObject:
    """The first column across, the second down, the third as the cell's number and colour."""
    x, y, value = columns
    shown = ("isCellLabelVisible", "isXAxisLabelVisible", "isYAxisLabelVisible")
    hidden = ("isXAxisTitleVisible", "isYAxisTitleVisible")
    state = {
        "shape": "heatmap",
        "layerId": _LAYER,
        "layerType": "data",
        "xAccessor": x,
        "yAccessor": y,
        "valueAccessor": value,
        "legend": {"isVisible": True, "position": "right", "type": "heatmap_legend"},
        "gridConfig": {"type": "heatmap_grid"} | dict.fromkeys(shown, True) | dict.fromkeys(hidden, False),
    }
    return _lens(own_id, title, query, "lnsHeatmap", state, {_LAYER: columns})


def _lens(
    own_id: str,
    title: str,
    query: str,
    kind: str,
    state: Mapping[str, Any],
    layers: Mapping[str, Mapping[str, Column]],
) -> SavedObject:
    attributes = {
        "title": title,
        "description": "",
        "visualizationType": kind,
        "state": {
            "datasourceStates": {"formBased": {"layers": {name: _layer(each) for name, each in layers.items()}}},
            "visualization": state,
            "query": kql(query),
            "filters": [],
            "internalReferences": [],
            "adHocDataViews": {},
        },
    }
    references = {f"indexpattern-datasource-layer-{name}": LINES for name in layers}
    return SavedObject("lens", f"throughline-{own_id}", attributes, references)


def _layer(columns: Mapping[str, Column]) -> dict[str, Any]:
    # Lens computes buckets first, in this order, whatever the order in which a table shows its columns.
    order = sorted(columns, key=lambda name: not columns[name]["isBucketed"])
    return {"columns": dict(columns), "columnOrder": order, "incompleteColumns": {}, "sampling": 1}
