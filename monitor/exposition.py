"""The two formats of /metrics: OpenMetrics, with trace IDs of slow tasks, for who asks for it; else the text one."""

from collections.abc import Callable
from typing import Final, NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from monitor.page.accept_header import MediaRange, media_ranges

_OPENMETRICS: Final = "application/openmetrics-text"
_VERSIONS: Final = ("", "0.0.1", "1.0.0")  # of OpenMetrics: what is written is the same in both
_TEXT: Final = "text/plain"


class Format(NamedTuple):
    """How the metrics are written, and what an answer calls that."""

    content_type: str
    written: Callable[[CollectorRegistry], bytes]


TEXT: Final = Format(CONTENT_TYPE_LATEST, generate_latest)
OPENMETRICS: Final = Format(openmetrics.CONTENT_TYPE_LATEST, openmetrics.generate_latest)


def asked_for(accept: str) -> Format:
    """OpenMetrics where it is named and nothing else is wanted more; the text format for everyone else."""
    ranges = list(media_ranges(accept))
    named = [each.weight for each in ranges if each.name == _OPENMETRICS and _is_known(each)]
    return OPENMETRICS if max(named, default=0.0) > 0 and max(named) >= _weight_of_text(ranges) else TEXT


def _is_known(each: MediaRange) -> bool:
    return each.parameters.get("version", "").strip('"') in _VERSIONS


def _weight_of_text(ranges: list[MediaRange]) -> float:
    """By its most exact range; a wildcard means anything, so it never goes before what is named."""
    for name in (_TEXT, "text/*"):
        if found := [each.weight for each in ranges if each.name == name]:
            return max(found)
    return 0.0
