"""Which series has which colour of the palette in Grafana: by its name, so that it is the same in each panel."""

from collections.abc import Iterator, Mapping
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
BY_NAME: Final[Mapping[str, str]] = {**_STATES, **palette.QUEUES, **palette.BREAKER, **_PERCENTILES}
_BY_PATTERN: Final = {"/^2..$/": palette.STATES["success"], "/^4..$/": palette.WAIT, "/^5..$/": palette.FAILED}


def overrides() -> list[dict[str, Any]]:
    """The same for every panel: what a panel does not have is not looked for in vain."""
    return [*_fixed("byName", BY_NAME), *_fixed("byRegexp", _BY_PATTERN)]


def _fixed(matcher: str, colours: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for options, colour in colours.items():
        value = {"mode": "fixed", "fixedColor": colour}
        yield {"matcher": {"id": matcher, "options": options}, "properties": [{"id": "color", "value": value}]}
