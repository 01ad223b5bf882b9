"""Lens panels: columns drawn as lines, bars, one figure, a table or a heatmap."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from dashboards import palette
from dashboards.kibana import colouring
from dashboards.kibana.columns import Column
from dashboards.kibana.data_views import LINES
from dashboards.kibana.queries import DEPLOYED
from dashboards.kibana.saved_object import SavedObject, kql

_LAYER: Final = "layer"
_REFERENCE: Final = "reference"
_ANNOTATIONS: Final = "deployments"
_AS_IT_COMES: Final = MappingProxyType[str, str]({})
_NO_MORE: Final = MappingProxyType[str, SavedObject]({})


def chart(
    own_id: str,
    title: str,
    query: str,
    series: str,
    columns: Mapping[str, Column],
    *,
    limit: Column | None = None,
    colours: Mapping[str, str] = _AS_IT_COMES,
) -> SavedObject:
    """Over the first column; split by the second, where that is a bucket too; `limit` is a line across.

    `colours` are those of the columns or, of a chart that is split, of its values.
    """
    x, *rest = columns
    split = [name for name in rest if columns[name]["isBucketed"]]
    accessors = [name for name in rest if name not in split]
    layer: dict[str, Any] = {
        "layerId": _LAYER,
        "layerType": "data",
        "seriesType": series,
        "xAccessor": x,
        "accessors": accessors,
        **_coloured(split, accessors, colours),
    }
    layers = {_LAYER: columns} | ({_REFERENCE: {"limit": limit}} if limit else {})
    state = {
        "preferredSeriesType": series,
        "legend": {"isVisible": True, "position": "bottom", "showSingleSeries": False},
        "valueLabels": "hide",
        **_fitting(columns[x]),
        "axisTitlesVisibilitySettings": {"x": False, "yLeft": False, "yRight": False},
        "layers": [layer, *([_line_across()] if limit else []), _deployments()],
    }
    return _lens(own_id, title, query, "lnsXY", state, layers, {f"xy-visualization-layer-{_ANNOTATIONS}": LINES})


def _coloured(split: list[str], accessors: list[str], colours: Mapping[str, str]) -> dict[str, Any]:
    if split:
        return {"splitAccessor": split[0], "colorMapping": colouring.of_values(colours)}
    return {"yConfig": colouring.of_series(accessors, colours)}


def _fitting(time: Column) -> dict[str, Any]:
    """A sample holds until the next one. Between two measured values a line is dotted: there was nothing to measure."""
    if time["params"]["interval"] == "auto":
        return {"fittingFunction": "Linear", "endValue": "None", "emphasizeFitting": False}
    return {"fittingFunction": "Carry", "endValue": "None", "emphasizeFitting": True}


def _line_across() -> dict[str, Any]:
    look = {"forAccessor": "limit", "axisMode": "left", "color": palette.FAILED, "lineStyle": "dashed", "lineWidth": 2}
    return {
        "layerId": _REFERENCE,
        "layerType": "referenceLine",
        "accessors": ["limit"],
        "yConfig": [look | {"fill": "none", "textVisibility": True}],
    }


def _deployments() -> dict[str, Any]:
    """A mark at each one, whatever the query bar asks for: a change explains what comes after it."""
    mark = {
        "type": "query",
        "id": "deployment",
        "label": "Deployment",
        "key": {"type": "point_in_time"},
        "timeField": "@timestamp",
        "filter": {"type": "kibana_query"} | kql(DEPLOYED),
        "icon": "tag",
        "color": palette.OTHER,
        "lineStyle": "dashed",
        "lineWidth": 1,
        "textVisibility": True,
        "textField": "deployment.version",
        "extraFields": ["deployment.service", "deployment.version", "deployment.previous_version"],
    }
    return {
        "layerId": _ANNOTATIONS,
        "layerType": "annotations",
        "persistanceType": "byValue",  # Kibana's spelling
        "ignoreGlobalFilters": True,
        "annotations": [mark],
    }


def figure(own_id: str, title: str, query: str, column: Column) -> SavedObject:
    """One number or word, large."""
    state = {"layerId": _LAYER, "layerType": "data", "metricAccessor": "value"}
    return _lens(own_id, title, query, "lnsMetric", state, {_LAYER: {"value": column}})


def table(
    own_id: str, title: str, query: str, columns: Mapping[str, Column], sort: str, widths: Mapping[str, int]
) -> SavedObject:
    """A row for each combination of the bucket columns, the highest of the column `sort` first.

    `widths` in pixels are of the columns whose heading or content Kibana would cut; the others share the rest.
    """
    state = {
        "layerId": _LAYER,
        "layerType": "data",
        "columns": [{"columnId": name} | ({"width": widths[name]} if name in widths else {}) for name in columns],
        "sorting": {"columnId": sort, "direction": "desc"},
    }
    return _lens(own_id, title, query, "lnsDatatable", state, {_LAYER: columns})


def heatmap(own_id: str, title: str, query: str, columns: Mapping[str, Column]) -> SavedObject:
    """The first column across, the second down, the third as the cell's number and colour."""
    x, y, value = columns
    shown = ("isCellLabelVisible", "isXAxisLabelVisible", "isYAxisLabelVisible")
    titles = {"isXAxisTitleVisible": True, "isYAxisTitleVisible": False}
    state = {
        "shape": "heatmap",
        "layerId": _LAYER,
        "layerType": "data",
        "xAccessor": x,
        "yAccessor": y,
        "valueAccessor": value,
        "legend": {"isVisible": True, "position": "right", "type": "heatmap_legend"},
        "gridConfig": {"type": "heatmap_grid"} | dict.fromkeys(shown, True) | titles | {"xTitle": columns[x]["label"]},
        "palette": colouring.of_cells(value),
    }
    return _lens(own_id, title, query, "lnsHeatmap", state, {_LAYER: columns})


def _lens(
    own_id: str,
    title: str,
    query: str,
    kind: str,
    state: Mapping[str, Any],
    layers: Mapping[str, Mapping[str, Column]],
    more_references: Mapping[str, SavedObject] = _NO_MORE,
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
    references = {f"indexpattern-datasource-layer-{name}": LINES for name in layers} | dict(more_references)
    return SavedObject("lens", f"throughline-{own_id}", attributes, references)


def _layer(columns: Mapping[str, Column]) -> dict[str, Any]:
    # Lens computes buckets first, in this order, whatever the order in which a table shows its columns.
    order = sorted(columns, key=lambda name: not columns[name]["isBucketed"])
    return {"columns": dict(columns), "columnOrder": order, "incompleteColumns": {}, "sampling": 1}
