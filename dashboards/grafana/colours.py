"""Which series has which colour of the palette in Grafana: by its name, so that it is the same in each panel."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from dashboards import palette

_PERCENTILES: Final = {f"{name.removeprefix('p')}%": colour for name, colour in palette.PERCENTILES.items()}
# Celery's words for the states; circuit breaker and queues as they are.
_STATES: Final = {
    "SUCCESS": palette.STATES["success"],
    "FAILURE": palette.STATES["failure"],
    "RETRY": palette.STATES["retry"],
    "REVOKED": palette.STATES["cancelled"],
    "STARTED": palette.STATES["started"],
    "PENDING": palette.STATES["pending"],
}
_OF_LABEL: Final[Mapping[str, Mapping[str, str]]] = {
    "{{status}}": _STATES,
    "{{queue}}": palette.QUEUES,
}
_OF_ANSWERS: Final = {"/^2..$/": palette.STATES["success"], "/^4..$/": palette.WAIT, "/^5..$/": palette.FAILED}


def overrides(legends: Iterable[str]) -> list[dict[str, Any]]:
    """For the series that a panel with these legends may have."""
    found: list[dict[str, Any]] = []
    for legend in legends:
        found += _fixed("byName", _OF_LABEL.get(legend, {}))
        if legend == "{{http_response_status_code}}":
            found += _fixed("byRegexp", _OF_ANSWERS)
        if legend in _PERCENTILES:
            found += _fixed("byName", {legend: _PERCENTILES[legend]})
    return found


def _fixed(matcher: str, colours: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for options, colour in colours.items():
        value = {"mode": "fixed", "fixedColor": colour}
        yield {"matcher": {"id": matcher, "options": options}, "properties": [{"id": "color", "value": value}]}
