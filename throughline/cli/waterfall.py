"""A request's steps as bars in the terminal: what each did, where, when and for how long."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from throughline.cli.terminal import folds, plain, wrapped
from throughline.journey import summary
from throughline.journey.journey import LogLine, Request, Step
from throughline.journey.log_placement import logs_by_row
from throughline.journey.quantities import format_duration, format_offset
from throughline.journey.role import Role
from throughline.journey.scale import Scale
from throughline.profile import Figures

_WIDE: Final = 100  # from here on there is room for the service beside the instance
_TICKS_APART: Final = 7
_SERVICE_COLOURS: Final = {"nginx": "green", "api": "cyan", "worker": "blue", "monitor": "magenta"}
_LEVEL_COLOURS: Final = {"warning": "yellow", "error": "red", "critical": "red"}
_MARK: Final = "◆"
_DEEPEST: Final = 8  # so that a chain of many tasks stays in sight
_NARROWEST_WORDS: Final = 16
SHARE_SIGNS: Final = {
    "queue wait": ("░", "yellow"),
    "run": ("█", "blue"),
    "between attempts": ("┈", "magenta"),
    "the rest": ("█", "cyan"),
}
_SHADES: Final = {
    **dict.fromkeys((Role.WAIT, Role.TAKE), SHARE_SIGNS["queue wait"]),
    **dict.fromkeys((Role.PAUSE, Role.LOST), SHARE_SIGNS["between attempts"]),
}


def waterfall(request: Request, console: Console, logs: bool, typical: Mapping[int, Figures]) -> Iterator[Text]:
    frame = _frame(request, console, logs, tuple(typical.values()))
    yield from _axis(frame)
    rows = logs_by_row(request.steps, request.logs if logs else ())
    indents = {step.span_id: frame.indent(step) for step in request.steps}
    for index, step in enumerate(request.steps):
        slowest = "bold" if step is request.slowest else ""
        yield from frame.row(
            Text(format_duration(step.offset_ns) if step.offset_ns else "0", style="dim"),
            Text("" if step.role is Role.MARK else format_duration(step.duration_ns), style=slowest),
            _bar(step, frame),
            _origin(step.service, step.node, frame.width),
            words=Text(frame.indent(step) + plain(step.what), style="red" if step.failed else slowest),
            typical=_typical(typical.get(index), frame),
        )
        for line in rows.get(index, ()):
            yield from _log_row(line, frame, indents.get(line.step_id, ""))


@dataclass(frozen=True)
class _Frame:
    """The widths of a waterfall's columns, and the scale that its bars are drawn in."""

    width: int
    folds: bool
    times: int
    origin: int
    scale: Scale
    typical: tuple[str, ...] = ()  # the percentiles that there is room for

    def row(self, *cells: Text, words: Text, typical: Sequence[str] = ()) -> Iterator[Text]:
        """Offset, duration, what is typical, bar and origin, each in its column, then the words.

        Words that do not fit go on below themselves; those with one too long for that have a line of their own.
        """
        offset, duration, bar, origin = cells
        offset.align("right", self.times)
        duration.align("right", self.times)
        bar.align("left", self.scale.cells)
        origin.align("left", self.origin)
        told = typical or [""] * len(self.typical)
        beside = Text("".join(f" {each.rjust(self.times)}" for each in told), style="dim")
        front = Text.assemble(offset, " ", duration, beside, "  ", bar, "  ", origin, "  ")
        room = self.width - front.cell_len
        if not self.folds or words.cell_len <= room:
            yield front + words
            return
        if room < _NARROWEST_WORDS or max(map(cell_len, words.plain.split())) > room:
            yield front
            yield self._line_of_its_own(words, front.cell_len)
            return
        indent = len(words.plain) - len(words.plain.lstrip())
        first, *rest = wrapped(words[indent:], room - indent)
        yield front + Text(" " * indent) + first
        for part in rest:
            yield Text(" " * (front.cell_len + indent)) + part

    def _line_of_its_own(self, words: Text, begin: int) -> Text:
        """Where the words would begin, or as far to the left of that as they need."""
        own = words[len(words.plain) - len(words.plain.lstrip()) :]
        return Text(" " * max(0, min(begin, self.width - own.cell_len))) + own

    def indent(self, step: Step) -> str:
        return " " * min(step.depth, _DEEPEST) * (2 if self.width >= _WIDE else 1)


def _frame(request: Request, console: Console, logs: bool, typical: Sequence[Figures]) -> _Frame:
    width, steps = console.width, request.steps
    percentiles = (("p50", "p95") if width >= _WIDE else ("p50",)) if typical else ()
    lengths = [request.total_ns, *(step.duration_ns for step in steps), *(each.p95_ns for each in typical)]
    times = max(7, *(len(format_duration(ns)) for ns in lengths))
    origin = max(cell_len(_origin(step.service, step.node, width).plain) for step in steps)
    frame = _Frame(width, folds(console), times, origin, Scale(request.total_ns, 1), percentiles)
    room = width - 2 * times - origin - 7 - len(percentiles) * (times + 1)
    words = [cell_len(frame.indent(step) + step.what) for step in steps]
    messages = [cell_len(line.text("message")) + 8 for line in request.logs] if logs else []
    bar = max(12, room - min(max(words + messages), room * 7 // 10))
    return replace(frame, scale=Scale(request.total_ns, bar))


def _axis(frame: _Frame) -> Iterator[Text]:
    labels = [" "] * frame.scale.cells
    for cell, label in frame.scale.ticks(_TICKS_APART):
        if cell + len(label) <= len(labels):
            labels[cell : cell + len(label)] = label
    heads = (Text(head, style="dim") for head in ("offset", "took", "".join(labels), ""))
    return frame.row(*heads, words=Text(""), typical=frame.typical)


def _typical(figures: Figures | None, frame: _Frame) -> list[str]:
    p50_and_p95 = (figures.p50_ns, figures.p95_ns) if figures else ()
    return [format_duration(each) for each in p50_and_p95][: len(frame.typical)]


def _bar(step: Step, frame: _Frame) -> Text:
    if step.role in _SHADES:
        before, cells = frame.scale.shade(step.offset_ns, step.end_ns)
        sign, colour = _SHADES[step.role]
        return Text.assemble(" " * before, (sign * cells, colour))
    colour = "red" if step.failed else _SERVICE_COLOURS.get(step.service, "white")
    if step.role is Role.MARK:
        return Text.assemble(" " * frame.scale.cell(step.offset_ns), (_MARK, colour))
    before, blocks = frame.scale.bar(step.offset_ns, step.end_ns)
    return Text.assemble(" " * before, (blocks, colour))


def _log_row(line: LogLine, frame: _Frame, indent: str) -> Iterator[Text]:
    level, offset = line.text("log.level"), line.offset_ns
    origin = _origin(line.text("service.name"), line.text("service.node.name"), frame.width)
    origin.stylize("dim")
    return frame.row(
        Text("" if offset is None else format_offset(offset), style="dim"),
        Text(plain(level), style=_LEVEL_COLOURS.get(level, "dim")),
        Text("" if offset is None else " " * frame.scale.cell(offset) + "╵", style="dim"),
        origin,
        words=Text(f"{indent}┊ {plain(line.text('message'))}", style="dim"),
    )


def _origin(service: str, node: str, width: int) -> Text:
    colour = _SERVICE_COLOURS.get(service, "")
    told, instance = summary.origin(service, node)
    if width < _WIDE or not told:
        return Text(plain(node or service), style=colour)
    return Text.assemble((plain(told), colour), (f" {plain(instance)}", colour))
