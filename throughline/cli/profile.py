"""`throughline profile`: where the time of many tasks went, for each type of task and each step."""

import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from textwrap import wrap
from typing import Final

import orjson
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from throughline.cli.terminal import folded, plain, terminal
from throughline.cli.time_options import in_words
from throughline.cli.time_window import window_of
from throughline.journey.quantities import format_count, format_duration, format_percent
from throughline.journey.scale import Scale
from throughline.local.run import var_dir
from throughline.profile import Profile, Step, StepProfile, TypeProfile, Window, local_files
from throughline.profile.document import to_dict
from throughline.profile.explanation import explanation, unsampled

_COLOURS: Final = {
    Step.NGINX: "green",
    Step.API: "cyan",
    Step.PUBLISH: "cyan",
    Step.WAIT: "yellow",
    Step.WAIT_AGAIN: "magenta",
    Step.RUN: "blue",
    Step.PHASE: "blue",
}
_HEADS: Final = ("count", "p50", "p95", "p99", "total", "share")
_WIDEST_BAR: Final = 40
_NARROWEST_BAR: Final = 6


def profile(arguments: Namespace) -> int:
    """Prints it. Returns 0 when there was a step, 1 when there was none."""
    window = window_of(arguments.since, arguments.until)
    source, found = _found(window, arguments.task_type)
    if arguments.json:
        print(orjson.dumps(to_dict(found), option=orjson.OPT_INDENT_2).decode())
    elif found:
        draw(found, source, terminal())
    else:
        print(_nothing(found, arguments.task_type, source), file=sys.stderr)
    return 0 if found else 1


def _found(window: Window, task_type: str) -> tuple[str, Profile]:
    """Where it looked, and what it found there: as `throughline journey` chooses."""
    url = os.environ.get("ELASTICSEARCH_URL", "")
    if not url:
        return str(var_dir()), local_files.profile(var_dir(), window, task_type)
    # Imported here, so that reading files does not wait for an HTTP client to load.
    from throughline.cli.elasticsearch import asked  # noqa: PLC0415
    from throughline.profile import elasticsearch  # noqa: PLC0415

    return url, asked(url, lambda client: elasticsearch.profile(client, window, task_type))


def _nothing(found: Profile, task_type: str, source: str) -> str:
    window = found.window
    of = f" of type {task_type}" if task_type else ""
    return (
        f"No step of a task{of} began between {in_words(window.since)} and {in_words(window.until)}, "
        f"as far as {source} tells.{unsampled(found)} A longer time: --since 7d."
    )


def draw(found: Profile, source: str, console: Console) -> None:
    """A table for each type of task."""
    for line in _lines(found, source, console.width):
        for part in folded(line, console):
            part.rstrip()
            console.print(part, no_wrap=True, crop=False, overflow="ignore", soft_wrap=True)


def _lines(found: Profile, source: str, width: int) -> Iterator[Text]:
    yield Text(f"{in_words(found.window.since)} to {in_words(found.window.until)} · from {source}", "dim")
    for each in found.types:
        yield Text("")
        yield _title(each)
        yield from _table(each, width)
    yield Text("")
    yield from (Text(line, "dim") for line in wrap(explanation(found), width))


def _title(of_type: TypeProfile) -> Text:
    runs = next((step.figures.count for step in of_type.steps if step.key.step is Step.RUN), 0)
    told = f"  {format_count(runs, 'run')}, {format_duration(of_type.whole_ns)} in all"
    return Text.assemble((plain(of_type.task_type), "bold"), (told, "not bold"))


def _table(of_type: TypeProfile, width: int) -> Iterator[Text]:
    steps = (*of_type.steps, *of_type.phases)
    rows = [_cells(step) for step in steps]
    widths = [max(cell_len(row[column]) for row in (*rows, _HEADS)) for column in range(len(_HEADS))]
    room = width - sum(widths) - 2 * len(widths) - 2
    names = min(max(len("step"), *(cell_len(_name(step)) for step in steps)), max(8, room - _NARROWEST_BAR))
    bars = max(0, min(_WIDEST_BAR, room - names))
    yield _row(Text("step", "dim"), _HEADS, widths, names, Text(""), style="dim")
    for step, cells in zip(steps, rows, strict=True):
        bar = Text(_bar(step, bars) if bars else "", _COLOURS[step.key.step])
        name = Text(_name(step))
        if name.cell_len > names:  # it has a line of its own, its figures the next one
            yield name
            name = Text("")
        yield _row(name, cells, widths, names, bar)


def _row(name: Text, cells: tuple[str, ...], widths: list[int], names: int, bar: Text, style: str = "") -> Text:
    name.align("left", names)
    line = name
    for cell, wide in zip(cells, widths, strict=True):
        line = line + Text("  ") + Text(cell.rjust(wide), style)
    return line + Text("  ") + bar


def _name(step: StepProfile) -> str:
    return f"  {plain(step.key.name)}" if step.key.step is Step.PHASE else step.key.name


def _cells(step: StepProfile) -> tuple[str, ...]:
    figures = step.figures
    times = (figures.p50_ns, figures.p95_ns, figures.p99_ns, figures.total_ns)
    return f"{figures.count:,}", *map(format_duration, times), format_percent(round(step.share * 1e6), 10**6)


def _bar(step: StepProfile, cells: int) -> str:
    part = round(step.share * 1e6)
    return Scale(10**6, cells).bar(0, part)[1] if part else ""
