"""The tasks of an ID that has many: a list in pages, each task with a link to a page of its own."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitor.page.recorded_state import until_now
from monitor.page.waterfall import Bar, bar
from throughline.journey import summary
from throughline.journey.journey import Request
from throughline.journey.summary import Outcome, Tone
from throughline.ledger.record import TaskRecord

PAGE: Final = 50


@dataclass(frozen=True)
class PageQuery:
    """The part of a journey that was asked for."""

    task_id: str = ""
    status: str = ""
    page: int = 1


@dataclass(frozen=True)
class Row:
    """A task in a list of many."""

    number: int
    task_id: str
    outcome: Outcome
    what: str
    at: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class TaskList:
    """One page of an ID's many tasks."""

    rows: tuple[Row, ...]
    page: int
    pages: int
    status: str
    counts: tuple[tuple[str, Tone, int], ...]


@dataclass(frozen=True)
class TaskPage:
    """The numbered tasks on one page."""

    tasks: tuple[tuple[int, Request], ...]
    page: int
    pages: int


def task_page(tasks: Sequence[Request], asked: PageQuery) -> TaskPage:
    """The page that was asked for, or the last one."""
    wanted = [(number, task) for number, task in enumerate(tasks, 1) if asked.status in {"", task.status}]
    pages = max(1, -(-len(wanted) // PAGE))
    page = min(max(1, asked.page), pages)
    return TaskPage(tuple(wanted[(page - 1) * PAGE : page * PAGE]), page, pages)


def task_list(tasks: Sequence[Request], asked: PageQuery, known: Mapping[str, TaskRecord], now: datetime) -> TaskList:
    """`known` is what Redis knows of those on the page."""
    counts = Counter(task.status for task in tasks)
    chosen = task_page(tasks, asked)
    shown = [(number, until_now(task, known, now)) for number, task in chosen.tasks]
    longest = max((task.total_ns for _, task in shown), default=1)
    return TaskList(
        rows=tuple(_row(number, task, longest) for number, task in shown),
        page=chosen.page,
        pages=chosen.pages,
        status=asked.status,
        counts=tuple((status, summary.tone(status), count) for status, count in sorted(counts.items())),
    )


def _row(number: int, task: Request, longest_ns: int) -> Row:
    parts = ((task.rest_ns, "api"), (task.queue_wait_ns, "wait"), (task.run_ns, "worker"), (task.pause_ns, "pause"))
    bars, begun = [], 0
    for part, kind in parts:
        if part:
            bars.append(bar(begun, part, longest_ns, kind))
        begun += part
    return Row(
        number,
        task.task_id,
        summary.outcome(task),
        what=f"{task.task_type} in {task.queue}" + (f", {summary.children(task)}" if len(task.tasks) > 1 else ""),
        at=summary.time_of_day(task),
        bars=tuple(bars),
    )
