"""Which of the two representations a request asks for: HTML, or the JSON of `throughline journey --json`."""

from collections.abc import Iterator
from typing import Final

_HTML: Final = ("text/html", "application/xhtml+xml", "text/*")
_JSON: Final = ("application/json", "application/problem+json", "application/*")


def wants_json(accept: str) -> bool:
    """Whether JSON is asked for by name, and before HTML; a client that accepts anything gets the page."""
    weights = dict(_ranges(accept))
    return _most(weights, _JSON) > _most(weights, _HTML)


def _most(weights: dict[str, float], names: tuple[str, ...]) -> float:
    return max(weights.get(name, 0.0) for name in names)


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((piece.removeprefix("q=") for piece in parameters if piece.startswith("q=")), "1")
        try:
            yield name, float(weight)
        except ValueError:
            continue
