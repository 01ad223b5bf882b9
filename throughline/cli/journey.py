"""`throughline journey`: draws in the terminal where each request of a correlation ID spent its time."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import wrap
from typing import Final

import orjson
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from throughline.cli.terminal import plain, terminal
from throughline.cli.typical import Typical
from throughline.journey import Found, assemble, find, summary, to_dict
from throughline.journey.comparison import Compare, Comparison, no_comparison
from throughline.journey.files_overview import files_overview
from throughline.journey.journey import Journey, LogLine, Request, Step
from throughline.journey.log_placement import logs_by_row
from throughline.journey.quantities import format_count, format_duration, format_offset
from throughline.journey.role import Role
from throughline.journey.scale import Scale
from throughline.profile import Figures
from throughline.telemetry import correlation

_WIDE: Final = 100  # from here on there is room for the service beside the instance
_TICKS_APART: Final = 7
_SERVICE_COLOURS: Final = {"nginx": "green", "api": "cyan", "worker": "blue", "monitor": "magenta"}
_TONE_COLOURS: Final = {"good": "green", "bad": "red", "warn": "yellow", "neutral": "bright_black"}
_SHARE_SIGNS: Final = {
    "queue wait": ("░", "yellow"),
    "run": ("█", "blue"),
    "between attempts": ("┈", "magenta"),
    "the rest": ("█", "cyan"),
}
_LEVEL_COLOURS: Final = {"warning": "yellow", "error": "red", "critical": "red"}
_SHADES: Final = {Role.WAIT: _SHARE_SIGNS["queue wait"], Role.PAUSE: _SHARE_SIGNS["between attempts"]}
_MARK: Final = "◆"
_DEEPEST: Final = 8  # so that a chain of many tasks stays in sight


def journey(correlation_id: str, var_dir: Path, *, logs: bool, as_json: bool) -> int:
    """Prints the journey. Returns 0 when there is one, 1 when nothing is found, 2 when the ID is not valid."""
    if not correlation.is_valid(correlation_id):
        print(
            f"{correlation_id[:128]!r} is no correlation ID. "
            "Those have 1 to 128 letters, digits, dots, underscores, colons and hyphens.",
            file=sys.stderr,
        )
        return 2
    url = os.environ.get("ELASTICSEARCH_URL", "")
    found = _searched(url, correlation_id) if url else find(var_dir, correlation_id)
    if not found:
        says = [f"Nothing found under the correlation ID {correlation_id} in {url}."] if url else ()
        print("\n".join(says or _nothing_found(correlation_id, var_dir)), file=sys.stderr)
        return 1
    result, typical = assemble(correlation_id, found), Typical(var_dir)
    if as_json:
        print(orjson.dumps(to_dict(result, typical.compare), option=orjson.OPT_INDENT_2).decode())
    else:
        draw(result, terminal(), logs=logs, compare=typical.compare)
    return 0


def _searched(url: str, correlation_id: str) -> Found:
    """Searches Elasticsearch. Imported here, so that a search in files does not wait for an HTTP client to load."""
    from throughline.cli.elasticsearch import asked  # noqa: PLC0415
    from throughline.journey import elasticsearch  # noqa: PLC0415

    return asked(url, lambda client: elasticsearch.find(client, correlation_id))


def draw(found: Journey, console: Console, *, logs: bool, compare: Compare = no_comparison) -> None:
    """The tasks one below the other, each in its own time; then the other requests, a line each."""
    for line in _lines(found, console, logs, compare):
        line.rstrip()
        line.truncate(console.width, overflow="ellipsis")
        console.print(line, no_wrap=True, crop=False)


def _lines(found: Journey, console: Console, logs: bool, compare: Compare) -> Iterator[Text]:
    full = summary.drawn_in_full(found)
    others = found.others if full == found.submissions else ()
    yield _title(found, full)
    for number, request in enumerate(full, start=1):
        if len(full) > 1:
            yield Text("")
            yield Text(f"{number} of {len(full)}  ", style="bold") + _outcome(request)
        yield from _facts(request, console.width)
        yield Text("")
        compared = compare(request)
        yield from _waterfall(request, console, logs, compared.typical if compared else {})
        yield from _footer(request, console.width)
        if compared:
            yield _verdict(compared)
    yield from _others(others, logs)
    if found.loose_logs:
        yield Text("No spans, only log lines:" if logs else "No spans, only log lines: --logs shows them.")
        for line in found.loose_logs if logs else ():
            yield Text(plain(f"{line.text('@timestamp')}  {line.text('service.node.name')}  {line.text('message')}"))


def _title(found: Journey, full: tuple[Request, ...]) -> Text:
    title = Text(found.correlation_id, style="bold") + Text("  ")
    if len(full) == 1:
        return title + _outcome(full[0])
    return title + Text(summary.contents(found), style="not bold")


def _outcome(request: Request) -> Text:
    told = summary.outcome(request)
    return Text.assemble((plain(told.word), f"not bold {_TONE_COLOURS[told.tone]}"), (told.took, "not bold"))


def _facts(request: Request, width: int) -> Iterator[Text]:
    """The facts, as many on a line as fit."""
    line = ""
    for fact in map(plain, summary.facts(request)):
        if line and cell_len(f"{line} · {fact}") > width:
            yield Text(line, style="dim")
            line = ""
        line = f"{line} · {fact}" if line else fact
    yield Text(line, style="dim")


@dataclass(frozen=True)
class _Frame:
    """The widths of a waterfall's columns, and the scale that its bars are drawn in."""

    width: int
    times: int
    origin: int
    scale: Scale
    typical: tuple[str, ...] = ()  # the percentiles that there is room for

    def row(self, *cells: Text, words: Text, typical: Sequence[str] = ()) -> Text:
        """Offset, duration, what is typical, bar and origin, each in its column, then the words."""
        offset, duration, bar, origin = cells
        offset.align("right", self.times)
        duration.align("right", self.times)
        bar.align("left", self.scale.cells)
        origin.align("left", self.origin)
        told = typical or [""] * len(self.typical)
        beside = Text("".join(f" {each.rjust(self.times)}" for each in told), style="dim")
        return Text.assemble(offset, " ", duration, beside, "  ", bar, "  ", origin, "  ", words)

    def indent(self, step: Step) -> str:
        return " " * min(step.depth, _DEEPEST) * (2 if self.width >= _WIDE else 1)


def _frame(request: Request, console: Console, logs: bool, typical: Sequence[Figures]) -> _Frame:
    width, steps = console.width, request.steps
    percentiles = (("p50", "p95") if width >= _WIDE else ("p50",)) if typical else ()
    lengths = [request.total_ns, *(step.duration_ns for step in steps), *(each.p95_ns for each in typical)]
    times = max(7, *(len(format_duration(ns)) for ns in lengths))
    origin = max(cell_len(_origin(step.service, step.node, width).plain) for step in steps)
    frame = _Frame(width, times, origin, Scale(request.total_ns, 1), percentiles)
    room = width - 2 * times - origin - 7 - len(percentiles) * (times + 1)
    words = [cell_len(frame.indent(step) + step.what) for step in steps]
    messages = [cell_len(line.text("message")) + 8 for line in request.logs] if logs else []
    bar = max(12, room - min(max(words + messages), room * 7 // 10))
    return replace(frame, scale=Scale(request.total_ns, bar))


def _waterfall(request: Request, console: Console, logs: bool, typical: Mapping[int, Figures]) -> Iterator[Text]:
    frame = _frame(request, console, logs, tuple(typical.values()))
    yield _axis(frame)
    rows = logs_by_row(request.steps, request.logs if logs else ())
    indents = {step.span_id: frame.indent(step) for step in request.steps}
    for index, step in enumerate(request.steps):
        slowest = "bold" if step is request.slowest else ""
        yield frame.row(
            Text(format_duration(step.offset_ns) if step.offset_ns else "0", style="dim"),
            Text("" if step.role is Role.MARK else format_duration(step.duration_ns), style=slowest),
            _bar(step, frame),
            _origin(step.service, step.node, frame.width),
            words=Text(frame.indent(step) + plain(step.what), style="red" if step.failed else slowest),
            typical=_typical(typical.get(index), frame),
        )
        for line in rows.get(index, ()):
            yield _log_row(line, frame, indents.get(line.step_id, ""))


def _axis(frame: _Frame) -> Text:
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


def _log_row(line: LogLine, frame: _Frame, indent: str) -> Text:
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


def _footer(request: Request, width: int) -> Iterator[Text]:
    yield Text("")
    effects = (f"This request {summary.effect(each)}." for each in request.effects)
    for note in (*effects, *summary.notes(request)):
        yield from (Text(line, style="yellow") for line in wrap(plain(note), width, break_on_hyphens=False))
    yield from _shares(request, width)
    before, name, behind = summary.slowest(request)
    yield Text.assemble(before, (plain(name), "bold"), plain(behind))


def _verdict(compared: Comparison) -> Text:
    before, name, behind = compared.sentence
    return Text.assemble((before, "yellow" if compared.is_slow else ""), (plain(name), "bold"), plain(behind))


def _shares(request: Request, width: int) -> Iterator[Text]:
    """As many on a line as fit."""
    line = Text("")
    for share in summary.shares(request):
        part = Text.assemble(_SHARE_SIGNS[share.name], f" {share.words}")
        if line and line.cell_len + 3 + part.cell_len > width:
            yield line
            line = Text("")
        line = line + Text("   ") + part if line else part
    if line:
        yield line


def _others(others: tuple[Request, ...], logs: bool) -> Iterator[Text]:
    chosen = summary.shown_others(others)
    if chosen:
        yield Text("")
        yield Text("other requests", style="dim")
    for request in chosen:
        yield Text.assemble(
            (f"{summary.time_of_day(request)}  ", "dim"),
            (f"{format_duration(request.total_ns):>8}  ", ""),
            (plain(summary.one_line(request)), "yellow" if request.refused else ""),
        )
    if len(others) > len(chosen):
        yield Text(f"and {len(others) - len(chosen):,} more: --json has them all", style="dim")


def _nothing_found(correlation_id: str, var_dir: Path) -> Iterator[str]:
    there = files_overview(var_dir)
    folders = " and ".join(map(str, there.folders))
    yield f"Nothing found under the correlation ID {correlation_id}."
    if not there.files:
        yield f"No line was ever written in {folders}: `throughline up` starts the nine processes that write there."
        return
    age = format_duration(round(there.newest_age_seconds * 1e9))
    yield (
        f"Looked in {folders}: {format_count(there.files, 'file')}, {there.size / 1e6:,.1f} MB, "
        f"the newest line written {age} ago."
    )
    yield "An ID has to be complete, in the same upper and lower case; a span is on disk 0.2 s after its step's end."
    if there.recent_ids:
        yield "Seen last: " + ", ".join(there.recent_ids)
