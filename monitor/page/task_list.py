"""The tasks of an ID that has many: a list in pages, each task with a link to a page of its own."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from monitor.page.columns import Column, Head, Order, heads, order_of
from monitor.page.links import of_task
from monitor.page.recorded_state import until_now
from monitor.page.waterfall import Bar, bar
from throughline.journey import summary
from throughline.journey.journey import Journey, Request
from throughline.journey.summary import Outcome, Tone
from throughline.ledger.record import TaskRecord

PAGE: Final = 50
_COLUMNS: Final = (
    Column("Task", "number"),
    Column("State", "state"),
    Column("What", "what", "second"),
    Column("Shares", classes="second wide-cell"),
    Column("Took", "took", "end", falls=True),
    Column("At (UTC)", classes="second end"),  # tasks are numbered by the moment that they came at
)
_DEFAULT: Final = Order("number", falls=False)
_KEYS: Final[Mapping[str, Callable[[Request], Any]]] = {
    "number": lambda task: 0,
    "state": lambda task: task.status,
    "what": lambda task: (task.task_type, task.queue),
    "took": lambda task: task.total_ns,
}


@dataclass(frozen=True)
class PageQuery:
    """The part of a journey that was asked for."""

    task_id: str = ""
    status: str = ""
    page: int = 1
    order: str = ""  # of the list

    def address(self, correlation_id: str) -> str:
        """Of the list that it names."""
        params = {"status": self.status, "order": self.order, "page": self.page if self.page > 1 else ""}
        told = urlencode({name: value for name, value in params.items() if value})
        return f"/journeys/{quote(correlation_id, safe='')}" + (f"?{told}" if told else "")


@dataclass(frozen=True)
class Row:
    """A task in a list of many."""

    number: int
    url: str
    outcome: Outcome
    what: str
    error: str
    at: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class TaskList:
    """One page of an ID's many tasks."""

    rows: tuple[Row, ...]
    page: int
    pages: int
    status: str
    counts: tuple[tuple[str, Tone, int, str], ...]
    heads: tuple[Head, ...]
    all_url: str
    before_url: str
    after_url: str


@dataclass(frozen=True)
class TaskPage:
    """The numbered tasks on one page."""

    tasks: tuple[tuple[int, Request], ...]
    page: int
    pages: int


def task_page(tasks: Sequence[Request], asked: PageQuery) -> TaskPage:
    """The page that was asked for, or the last one."""
    wanted = [(number, task) for number, task in enumerate(tasks, 1) if asked.status in {"", task.status}]
    order = order_of(asked.order, _COLUMNS, _DEFAULT)
    key = _KEYS[order.name]
    wanted.sort(key=lambda each: (key(each[1]), each[0]), reverse=order.falls)
    pages = max(1, -(-len(wanted) // PAGE))
    page = min(max(1, asked.page), pages)
    return TaskPage(tuple(wanted[(page - 1) * PAGE : page * PAGE]), page, pages)


def task_list(found: Journey, asked: PageQuery, known: Mapping[str, TaskRecord], now: datetime) -> TaskList:
    """All of them are at hand, so that each order is that of all pages. `known`: what Redis knows of those shown."""
    tasks = [until_now(task, known, now) for task in found.submissions]
    counts = Counter(task.status for task in tasks)
    chosen = task_page(tasks, asked)
    shown = chosen.tasks

    def url(**changes: Any) -> str:
        return replace(asked, **changes).address(found.correlation_id)

    longest = max((task.total_ns for _, task in shown), default=1)
    return TaskList(
        rows=tuple(_row(found.correlation_id, number, task, longest) for number, task in shown),
        page=chosen.page,
        pages=chosen.pages,
        status=asked.status,
        counts=tuple(
            (status, summary.tone(status), count, url(status=status, page=1))
            for status, count in sorted(counts.items())
        ),
        heads=heads(_COLUMNS, order_of(asked.order, _COLUMNS, _DEFAULT), lambda order: url(order=order, page=1)),
        all_url=url(status="", page=1),
        before_url=url(page=chosen.page - 1) if chosen.page > 1 else "",
        after_url=url(page=chosen.page + 1) if chosen.page < chosen.pages else "",
    )


def _row(correlation_id: str, number: int, task: Request, longest_ns: int) -> Row:
    parts = ((task.rest_ns, "api"), (task.queue_wait_ns, "wait"), (task.run_ns, "worker"), (task.pause_ns, "pause"))
    bars, begun = [], 0
    for part, kind in parts:
        if part:
            bars.append(bar(begun, part, longest_ns, kind))
        begun += part
    return Row(
        number,
        of_task("", correlation_id, task.task_id).url,
        summary.outcome(task),
        what=f"{task.task_type} in {task.queue}" + (f", {summary.children(task)}" if len(task.tasks) > 1 else ""),
        error=task.tasks[0].error_type or task.tasks[0].cause,
        at=summary.time_of_day(task),
        bars=tuple(bars),
    )
