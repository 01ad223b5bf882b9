"""An SVG picture: the few elements that charts are made of, as one well-formed text."""

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

LETTER: Final = 6.7  # pixels of a letter on average, at 12 pixels
WIDE_LETTER: Final = 7.4  # in capitals


class Canvas:
    """What is drawn, in pixels; text is escaped by what writes it."""

    def __init__(self, width: int, height: int, key: str, title: str, description: str) -> None:
        self.width, self.height = width, height
        named = f"{key}-title {key}-about"
        self._root = Element(
            "svg", {"viewBox": f"0 0 {width} {height}", "role": "img", "aria-labelledby": named, "class": "picture"}
        )
        SubElement(self._root, "title", {"id": f"{key}-title"}).text = title
        SubElement(self._root, "desc", {"id": f"{key}-about"}).text = description

    def rect(self, kind: str, x: float, y: float, width: float, height: float, about: str = "") -> None:
        places = {"x": x, "y": y, "width": max(0.0, width), "height": max(0.0, height)}
        self._add("rect", kind, about, **places)

    def line(self, kind: str, x1: float, y1: float, x2: float, y2: float) -> None:
        self._add("line", kind, x1=x1, y1=y1, x2=x2, y2=y2)

    def circle(self, kind: str, x: float, y: float, radius: float, about: str = "") -> None:
        self._add("circle", kind, about, cx=x, cy=y, r=radius)

    def path(self, kind: str, runs: Sequence[Sequence[tuple[float, float]]]) -> None:
        """A line through the points of each run."""
        drawn = "".join("M" + "L".join(f"{_pixel(x)} {_pixel(y)}" for x, y in run) for run in runs if run)
        SubElement(self._root, "path", {"class": kind, "d": drawn})

    def text(self, kind: str, x: float, y: float, words: str, anchor: str = "start") -> None:
        places = {"class": kind, "x": _pixel(x), "y": _pixel(y), "text-anchor": anchor}
        SubElement(self._root, "text", places).text = words

    @property
    def markup(self) -> Markup:
        return Markup(tostring(self._root, encoding="unicode"))  # noqa: S704 - ElementTree has escaped it

    def _add(self, tag: str, kind: str, about: str = "", **places: float) -> None:
        element = SubElement(self._root, tag, {"class": kind} | {name: _pixel(each) for name, each in places.items()})
        if about:
            SubElement(element, "title").text = about


def cut(words: str, width: float) -> str:
    """As much as fits into so many pixels."""
    most = max(1, int(width / WIDE_LETTER))
    return words if len(words) <= most else f"{words[: most - 1]}…"


def _pixel(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
