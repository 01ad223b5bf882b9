"""Throughline: a distributed task queue in which one search shows where a request spent its time."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from throughline.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client"]

# Loaded when first asked for: whoever imports the package for one thing does not wait for the others.
_HOME: Final = {"AsyncClient": "throughline.client", "Client": "throughline.client"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
