"""What a request's Accept header asks for, by its weights; and which of the page's two representations that is."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

_HTML: Final = ("text/html", "application/xhtml+xml", "text/*")
_JSON: Final = ("application/json", "application/problem+json", "application/*")


class MediaRange(NamedTuple):
    """One of those that the client takes; names are in lower case."""

    name: str
    parameters: Mapping[str, str]
    weight: float


def wants_json(accept: str) -> bool:
    """Whether JSON is asked for by name, and before HTML; a client that accepts anything gets the page."""
    weights = {each.name: each.weight for each in media_ranges(accept)}
    return _most(weights, _JSON) > _most(weights, _HTML)


def wants_html(accept: str) -> bool:
    """Whether a page is asked for by name, as browsers do: a program that takes anything can do nothing with one."""
    weights = {each.name: each.weight for each in media_ranges(accept)}
    return _most(weights, _HTML) > 0 and not wants_json(accept)


def _most(weights: dict[str, float], names: tuple[str, ...]) -> float:
    return max(weights.get(name, 0.0) for name in names)


def media_ranges(accept: str) -> Iterator[MediaRange]:
    """Those of the header; one whose weight is none is left out."""
    for part in accept.lower().split(","):
        name, *pieces = (piece.strip() for piece in part.split(";"))
        parameters = {key.strip(): value.strip() for key, _, value in (piece.partition("=") for piece in pieces)}
        try:
            weight = float(parameters.pop("q", "1"))
        except ValueError:
            continue
        if name and 0 <= weight <= 1:
            yield MediaRange(name, parameters, weight)
