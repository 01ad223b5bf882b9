"""Reads vocabulary.yaml, the one source of field, event, span and metric names."""

from functools import lru_cache
from importlib.resources import files
from typing import Any, cast

import yaml


@lru_cache(maxsize=1)
def load() -> dict[str, dict[str, Any]]:
    """The vocabulary's sections: fields, events, spans, span_attributes, metrics."""
    text = files("throughline.telemetry").joinpath("vocabulary.yaml").read_text(encoding="utf-8")
    return cast("dict[str, dict[str, Any]]", yaml.safe_load(text))


@lru_cache(maxsize=1)
def event_levels() -> dict[str, str]:
    """The level at which each event is logged."""
    return {action: event["level"] for action, event in load()["events"].items()}
