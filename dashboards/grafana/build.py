"""Writes dashboards/grafana/overview.json: what is shown, in the order in which a request meets it.

`make docs` runs it. A panel is a title, a unit and its queries; where it stands follows from the order.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from dashboards.grafana import colours
from dashboards.grafana.panel import Panel, Row
from dashboards.grafana.rows import ROWS
from dashboards.palette import FAILED, OTHER, STATES

FILE: Final = Path(__file__).with_name("overview.json")
_COLUMNS: Final = 24  # of Grafana's grid
_DATASOURCE: Final = {"type": "prometheus", "uid": "prometheus"}
_FROM_SPANS: Final = ("throughline_span_", "throughline:http_")  # what the collector counts
_HAS_EXAMPLES: Final = re.compile(r"(throughline_task_\w+|http_server_request_duration_seconds)_bucket")
_OF_SAMPLED: Final = (
    "Counted from spans: of sampled requests, all unless OTEL_TRACES_SAMPLER or a caller says otherwise."
)
# At the moment that the first process of a version came to run, drawn on every chart.
_DEPLOYMENTS: Final = {
    "name": "Deployments",
    "enable": True,
    "datasource": _DATASOURCE,
    "expr": "max by (service, version) (throughline_version_since_seconds) * 1000",
    "useValueForTime": True,
    "step": "15s",
    "titleFormat": "{{service}} runs {{version}}",
    "tagKeys": "service,version",
    "iconColor": OTHER,
}


def dashboard(rows: Sequence[Row] = ROWS) -> dict[str, Any]:
    """The dashboard as Grafana's provisioning reads it."""
    return {
        "uid": "throughline-overview",
        "title": "Throughline: overview",
        "tags": ["throughline"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": [_DEPLOYMENTS]},
        "panels": list(_placed(rows)),
    }


def _placed(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    top, number = 0, 0
    for row in rows:
        number += 1
        place = {"x": 0, "y": top, "w": _COLUMNS, "h": 1}
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "panels": [], "gridPos": place}
        top, left = top + 1, 0
        for panel in row.panels:
            number += 1
            if left + panel.width > _COLUMNS:
                top, left = top + panel.height, 0
            yield _drawn(panel, number, {"x": left, "y": top, "w": panel.width, "h": panel.height})
            left += panel.width
        top += row.panels[-1].height


def _drawn(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": _described(panel),
        "datasource": _DATASOURCE,
        "gridPos": place,
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": _DATASOURCE,
                "expr": query,
                "legendFormat": legend,
                # Dots that lead to the traces of slow tasks and requests: monitor/slow_traces.py, api/measurements.py.
                "exemplar": panel.kind == "timeseries" and bool(_HAS_EXAMPLES.search(query)),
            }
            for index, (query, legend) in enumerate(panel.queries.items())
        ],
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, **_limited(panel)},
            "overrides": colours.overrides(panel.queries.values()),
        },
        "options": {"reduceOptions": {"calcs": ["lastNotNull"]}} if panel.kind == "stat" else {},
    }


def _described(panel: Panel) -> str:
    of_spans = any(name in query for query in panel.queries for name in _FROM_SPANS)
    return f"{panel.means} {_OF_SAMPLED}".strip() if of_spans else panel.means


def _limited(panel: Panel) -> dict[str, Any]:
    """Green below the limit, red from there on; without a limit green. A state is a word with a colour of its own."""
    steps: list[dict[str, Any]] = [{"color": STATES["success"], "value": None}]
    found: dict[str, Any] = {"thresholds": {"mode": "absolute", "steps": steps}}
    if panel.limit is not None:
        steps.append({"color": FAILED, "value": panel.limit})
        if panel.kind == "timeseries":
            found["custom"] = {"thresholdsStyle": {"mode": "line"}}
    if panel.states:
        words = enumerate(panel.states)
        options = {str(value): {"text": text, "color": colour, "index": value} for value, (text, colour) in words}
        found["mappings"] = [{"type": "value", "options": options}]
    return found


def main() -> None:
    FILE.write_text(written(), encoding="utf-8")


def written() -> str:
    """The dashboard as the file holds it: a panel is a line, and all is less than `kubectl apply` takes."""
    whole = dashboard()
    panels = ",\n".join(json.dumps(each, ensure_ascii=False) for each in whole.pop("panels"))
    rest = json.dumps(whole, indent=2, ensure_ascii=False).removesuffix("\n}")
    return f'{rest},\n  "panels": [\n{panels}\n  ]\n}}\n'


if __name__ == "__main__":
    main()
