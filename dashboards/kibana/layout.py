"""A dashboard: panels in rows, on a grid of 48 columns."""

from collections.abc import Sequence
from typing import Any, Final

from dashboards.kibana.saved_object import SavedObject, kql, text

_WIDTH: Final = 48
_PANEL_VERSION: Final = "8.9.0"

Row = tuple[int, Sequence[SavedObject]]  # its height, and what stands in it side by side, each equally wide


def dashboard(own_id: str, title: str, description: str, since: str, rows: Sequence[Row]) -> SavedObject:
    """`since` is the time that it opens with, such as `now-1h`."""
    panels: list[dict[str, Any]] = []
    references: dict[str, SavedObject] = {}
    top = 0
    for height, row in rows:
        width = _WIDTH // len(row)
        for place, shown in enumerate(row):
            name = f"{own_id}-{shown.id.removeprefix('throughline-')}"
            panels.append(_panel(name, shown, {"x": place * width, "y": top, "w": width, "h": height, "i": name}))
            references[f"{name}:panel_{name}"] = shown
        top += height
    attributes = {
        "title": title,
        "description": description,
        "panelsJSON": text(panels),
        "optionsJSON": text({"useMargins": True, "syncColors": True, "syncCursor": True, "hidePanelTitles": False}),
        "timeRestore": True,
        "timeFrom": since,
        "timeTo": "now",
        "refreshInterval": {"pause": True, "value": 10_000},
        "version": 1,
        "kibanaSavedObjectMeta": {"searchSourceJSON": text({"query": kql(""), "filter": []})},
    }
    return SavedObject("dashboard", f"throughline-{own_id}", attributes, references)


def _panel(name: str, shown: SavedObject, place: dict[str, Any]) -> dict[str, Any]:
    """By a name that no other dashboard has: Kibana, in one tab, keeps by it what the dashboard before showed."""
    # A figure has its title above its number already.
    titled = {"hidePanelTitles": True} if shown.attributes.get("visualizationType") == "lnsMetric" else {}
    return {
        "version": _PANEL_VERSION,
        "type": shown.type,
        "panelIndex": name,
        "panelRefName": f"panel_{name}",
        "gridData": place,
        "embeddableConfig": {"enhancements": {}, **titled},
    }
