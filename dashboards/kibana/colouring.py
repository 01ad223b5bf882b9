"""The colours of a chart as Lens keeps them: each series' own, or those of the values that it is split by."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dashboards import palette

_OTHERS: Final = {"type": "categorical", "paletteId": "neutral", "colorIndex": 1}
# Shades of one colour, pale to full; what is written on each stays legible.
_SHADES: Final = ("#e3ecfb", "#c3d7f7", "#9fbef2", "#77a2ec", palette.RUN)


def of_series(names: Sequence[str], colours: Mapping[str, str]) -> list[dict[str, str]]:
    """For columns side by side: those named in `colours`, the others in the palette's order."""
    return [
        {"forAccessor": name, "axisMode": "left", "color": colours.get(name, palette.of_place(place))}
        for place, name in enumerate(names)
    ]


def of_values(colours: Mapping[str, str]) -> dict[str, Any]:
    """For the values of a split: those of `colours`; without any, in the palette's order."""
    named = [_assigned({"type": "matchExactly", "values": [value]}, colour) for value, colour in colours.items()]
    in_order = [_assigned({"type": "auto"}, colour) for colour in palette.SEQUENCE]
    return {
        "paletteId": "eui_amsterdam_color_blind",
        "colorMode": {"type": "categorical"},
        "assignmentMode": "manual",
        "assignments": named or in_order,
        "specialAssignments": [{"rule": {"type": "other"}, "color": _OTHERS, "touched": False}],
    }


def of_cells(accessor: str) -> dict[str, Any]:
    """For a heatmap: the more, the fuller."""
    step = 100 / len(_SHADES)
    stops = [{"color": shade, "stop": round(step * place)} for place, shade in enumerate(_SHADES, start=1)]
    starts = [{"color": shade, "stop": round(step * place)} for place, shade in enumerate(_SHADES)]
    params = {
        "name": "custom",
        "progression": "fixed",
        "rangeType": "percent",
        "rangeMin": 0,
        "rangeMax": None,
        "continuity": "above",
        "reverse": False,
        "steps": len(_SHADES),
        "maxSteps": len(_SHADES),
        "colorStops": starts,
        "stops": stops,
    }
    return {"type": "palette", "name": "custom", "accessor": accessor, "params": params}


def _assigned(rule: dict[str, Any], colour: str) -> dict[str, Any]:
    return {"rule": rule, "color": {"type": "colorCode", "colorCode": colour}, "touched": True}
