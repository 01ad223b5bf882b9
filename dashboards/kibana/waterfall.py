"""The journey's waterfall: waterfall.json, a Vega-Lite specification, as Kibana takes it."""

from pathlib import Path
from typing import Final

_SOURCE: Final = Path(__file__).with_name("waterfall.json")


def specification() -> str:
    """The text that Kibana's Vega editor shows: as it is written, since people may change it there."""
    return _SOURCE.read_text(encoding="utf-8")
