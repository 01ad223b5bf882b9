"""Draws figures over time as an SVG: one panel for each unit, one time axis below them all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_WIDTH, _LEFT, _RIGHT, _TOP = 860, 70, 20, 72
_PANEL, _GAP, _BOTTOM = 130, 34, 40
_COLOURS: Final = ("#1f5fa8", "#d9822b")


@dataclass(frozen=True)
class Line:
    """One row of figures; it stays at each until the next."""

    name: str
    figures: Sequence[float]


@dataclass(frozen=True)
class Panel:
    """Lines that share a unit."""

    unit: str
    lines: Sequence[Line]


def drawn(title: str, seconds: Sequence[float], marks: Mapping[float, str], panels: Sequence[Panel]) -> str:
    """`marks`: from which second on something else holds, and what."""
    height = _TOP + len(panels) * (_PANEL + _GAP) + _BOTTOM
    longest = max(seconds)
    bottom = height - _BOTTOM - _GAP

    def x(second: float) -> float:
        return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * second / longest, 1)

    parts = [_text(_LEFT, 22, title, "font-weight='bold' font-size='15'")]
    for second, name in marks.items():
        dashes = "stroke='#999' stroke-dasharray='3 3'"
        parts.append(f"<line x1='{x(second)}' x2='{x(second)}' y1='{_TOP - 34}' y2='{bottom}' {dashes}/>")
        parts.append(_text(x(second) + 4, _TOP - 24, name))
    for number, panel in enumerate(panels):
        parts += _panel(panel, _TOP + number * (_PANEL + _GAP), seconds, x)
    for minute in range(int(longest // 60) + 1):
        parts.append(
            f"<line x1='{x(minute * 60)}' x2='{x(minute * 60)}' y1='{bottom}' y2='{bottom + 5}' stroke='#333'/>"
        )
        parts.append(_text(x(minute * 60), bottom + 18, str(minute), "text-anchor='middle'"))
    parts.append(_text(_WIDTH - _RIGHT, bottom + 34, "minutes", "text-anchor='end'"))
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' font-family='sans-serif'"
    head += " font-size='12'>"
    return "\n".join([head, "<rect width='100%' height='100%' fill='#fff'/>", *parts, "</svg>", ""])


def _panel(panel: Panel, top: float, seconds: Sequence[float], x: Callable[[float], float]) -> list[str]:
    highest = max(1.0, *(figure for line in panel.lines for figure in line.figures))
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000) if highest / step <= 5)
    most = step * -(-highest // step)

    def y(figure: float) -> float:
        return round(top + _PANEL * (1 - figure / most), 1)

    parts = []
    for figure in range(0, int(most) + 1, step):
        parts.append(f"<line x1='{_LEFT}' x2='{_WIDTH - _RIGHT}' y1='{y(figure)}' y2='{y(figure)}' stroke='#e3e3e3'/>")
        parts.append(_text(_LEFT - 6, y(figure) + 4, str(figure), "text-anchor='end'"))
    parts.append(
        _text(12, top + _PANEL / 2, panel.unit, f"transform='rotate(-90 12 {top + _PANEL / 2})' text-anchor='middle'")
    )
    for number, (line, colour) in enumerate(zip(panel.lines, _COLOURS, strict=False)):
        points = [f"M{x(seconds[0])} {y(line.figures[0])}"]
        points += [f"H{x(second)}V{y(figure)}" for second, figure in zip(seconds[1:], line.figures[1:], strict=True)]
        parts.append(f"<path d='{''.join(points)}' fill='none' stroke='{colour}' stroke-width='{2 - number * 0.6:g}'/>")
        parts.append(_text(_LEFT + 8 + number * 110, top - 4, f"— {line.name}", f"fill='{colour}'"))
    return parts


def _text(x: float, y: float, text: str, options: str = "") -> str:
    return f"<text x='{x}' y='{y}' {options}>{escape(text)}</text>"
