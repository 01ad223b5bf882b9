"""Reads vocabulary.yaml, the one source of field, event, span and metric names."""

from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, cast

import yaml

# Each process reads it when it starts: libyaml takes 20 ms where Python takes 250.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@lru_cache(maxsize=1)
def load() -> dict[str, dict[str, Any]]:
    """The vocabulary's sections: fields, events, spans, span_attributes, metrics."""
    text = files("throughline.telemetry").joinpath("vocabulary.yaml").read_text(encoding="utf-8")
    return cast("dict[str, dict[str, Any]]", yaml.load(text, Loader=_LOADER))  # noqa: S506 - one of two safe ones


@lru_cache(maxsize=1)
def event_levels() -> dict[str, str]:
    """The level at which each event is logged."""
    return {action: event["level"] for action, event in load()["events"].items()}
