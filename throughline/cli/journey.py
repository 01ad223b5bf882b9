"""`throughline journey`: draws in the terminal where each request of a correlation ID spent its time."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import orjson
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from throughline.cli.error_messages import with_error_messages
from throughline.cli.many_tasks import draw_many
from throughline.cli.terminal import folded, hanging, plain, terminal
from throughline.cli.typical import Typical
from throughline.cli.waterfall import SHARE_SIGNS, waterfall
from throughline.journey import Found, assemble, failure, find, summary, to_dict
from throughline.journey.comparison import Compare, Comparison, no_comparison
from throughline.journey.files_overview import files_overview
from throughline.journey.journey import Journey, Request
from throughline.journey.many_tasks import is_many
from throughline.journey.one_task import one_task
from throughline.journey.quantities import format_count, format_duration
from throughline.ledger.states import Status
from throughline.telemetry import correlation

_TONE_COLOURS: Final = {"good": "green", "bad": "red", "warn": "yellow", "neutral": "bright_black"}
_TASKS_EXPLAINED: Final = 20


@dataclass(frozen=True)
class Wanted:
    """How much of a journey: of many tasks a summary, one of them, or all."""

    task_id: str = ""
    all: bool = False
    logs: bool = False


_NOTHING_SPECIAL: Final = Wanted()


def journey(correlation_id: str, var_dir: Path, wanted: Wanted = _NOTHING_SPECIAL, *, as_json: bool) -> int:
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
    result, typical = with_error_messages(assemble(correlation_id, found)), Typical(var_dir)
    if wanted.task_id and not (result := result.of_task(wanted.task_id)).submissions:
        print(f"There is no task {wanted.task_id[:128]} under the correlation ID {correlation_id}.", file=sys.stderr)
        return 1
    if as_json:
        print(orjson.dumps(to_dict(result, typical.compare), option=orjson.OPT_INDENT_2).decode())
    else:
        draw(result, terminal(), wanted, typical.compare)
    return 0


def _searched(url: str, correlation_id: str) -> Found:
    """Searches Elasticsearch. Imported here, so that a search in files does not wait for an HTTP client to load."""
    from throughline.cli.elasticsearch import asked  # noqa: PLC0415
    from throughline.journey import elasticsearch  # noqa: PLC0415

    return asked(url, lambda client: elasticsearch.find(client, correlation_id))


def draw(found: Journey, console: Console, wanted: Wanted = _NOTHING_SPECIAL, compare: Compare = no_comparison) -> None:
    """The tasks one below the other, each in its own time, or a summary of many; then the other requests, a line each.

    Nothing is cut: what is wider than the terminal goes on in the next line.
    """
    whole = _many_lines if not wanted.all and not wanted.task_id and is_many(found) else _lines
    for line in whole(found, console, wanted, compare):
        for part in folded(line, console):
            part.rstrip()
            console.print(part, no_wrap=True, crop=False, overflow="ignore", soft_wrap=True)


def _many_lines(found: Journey, console: Console, wanted: Wanted, _: Compare) -> Iterator[Text]:
    yield from draw_many(found, console)
    yield from _others(found.others, wanted.logs)


def _lines(found: Journey, console: Console, wanted: Wanted, compare: Compare) -> Iterator[Text]:
    logs = wanted.logs
    if wanted.task_id and is_many(found):
        found = replace(found, requests=tuple(one_task(request, wanted.task_id) for request in found.requests))
    full = summary.drawn_in_full(found)
    others = found.others if full == found.submissions else ()
    yield _title(found, full)
    for number, request in enumerate(full, start=1):
        if len(full) > 1:
            yield Text("")
            yield Text(f"{number} of {len(full)}  ", style="bold") + _outcome(request)
        yield from _facts(request, console)
        yield from _failures(request, console)
        yield Text("")
        compared = compare(request)
        yield from waterfall(request, console, logs, compared.typical if compared else {})
        yield from _footer(request, console)
        if compared:
            yield _verdict(compared)
    yield from _others(others, logs)
    if found.loose_logs:
        yield Text("Only log lines were found, no steps:" + ("" if logs else " --logs shows them."))
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


def _failures(request: Request, console: Console) -> Iterator[Text]:
    """Why its task failed, and how each attempt ended; of its children, those that failed."""
    for task in request.tasks[:_TASKS_EXPLAINED]:
        child = f"child {task.task_type} {task.task_id} " if task is not request.tasks[0] else ""
        if task is not request.tasks[0] and task.status != Status.FAILURE:
            continue
        if told := failure.headline(task):
            yield from hanging("", plain(child + told), console, "red")
        for attempt in failure.attempts_told(task):
            yield from hanging("  ", plain(attempt), console)


def _facts(request: Request, console: Console) -> Iterator[Text]:
    """The facts, as many on a line as fit."""
    line = ""
    for fact in map(plain, summary.facts(request)):
        if line and cell_len(f"{line} · {fact}") > console.width:
            yield Text(line, style="dim")
            line = ""
        line = f"{line} · {fact}" if line else fact
    yield Text(line, style="dim")


def _footer(request: Request, console: Console) -> Iterator[Text]:
    yield Text("")
    effects = (f"This request {summary.effect(each)}." for each in request.effects)
    for note in (*effects, *summary.notes(request)):
        yield Text(plain(note), style="yellow")
    yield from _shares(request, console.width)
    before, name, behind = summary.slowest(request)
    yield Text.assemble(before, (plain(name), "bold"), plain(behind))


def _verdict(compared: Comparison) -> Text:
    before, name, behind = compared.sentence
    return Text.assemble((before, "yellow" if compared.is_slow else ""), (plain(name), "bold"), plain(behind))


def _shares(request: Request, width: int) -> Iterator[Text]:
    """As many on a line as fit."""
    line = Text("")
    for share in summary.shares(request):
        part = Text.assemble(SHARE_SIGNS[share.name], f" {share.words}")
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
    yield "An ID has to be complete, in the same upper and lower case; a step is found 0.2 s after its end."
    if there.recent_ids:
        yield "Seen last: " + ", ".join(there.recent_ids)
