"""What the page of errors shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from monitor.page import links
from monitor.page.columns import Column, Head, Order, heads, order_of
from monitor.page.links import RangeLink
from monitor.page.moments import in_words
from monitor.page.profile.asked import Asked
from monitor.page.profile.dead_letters import DeadLetters
from monitor.page.profile.error_groups import MOST, Groups
from monitor.page.profile.profile_view import ranges, times
from throughline.journey.quantities import format_count, format_duration
from throughline.ledger.history import ErrorGroup
from throughline.profile.document import iso


@dataclass(frozen=True)
class GroupView:
    """A row of the table."""

    error_type: str
    message: str
    count: str
    first: str
    last: str
    ago: str
    journey_url: str  # of the latest of them
    correlation_id: str
    tasks_url: str
    dead_letters: str  # how many can be replayed; empty for none


@dataclass(frozen=True)
class ErrorsView:
    """The page."""

    times: str
    told: str
    ranges: tuple[RangeLink, ...]
    task_type: str
    all_types_url: str
    profile_url: str
    groups: tuple[GroupView, ...]
    since: str  # the fixed times, for what is done with these very tasks
    until: str
    address: str  # of this page
    heads: tuple[Head, ...]


_COLUMNS: Final = (
    Column("Error", "error"),
    Column("Tasks", "tasks", "end", falls=True),
    Column("First (UTC)", "first", "second end", falls=True),
    Column("Last (UTC)", "last", "end", falls=True),
    Column("Latest"),
)
_DEFAULT: Final = Order("tasks", falls=True)
_KEYS: Final[Mapping[str, Callable[[ErrorGroup], Any]]] = {
    "error": lambda group: (group.error_type, group.shape),
    "tasks": lambda group: (group.count, group.last),
    "first": lambda group: group.first,
    "last": lambda group: group.last,
}


def errors_view(found: Groups, asked: Asked, now: datetime) -> ErrorsView:
    failed = sum(each.count for each in found.groups)
    # Where there may be more groups, those at hand are the largest: sorted by anything else, others would be missing.
    columns = _COLUMNS if len(found.groups) < MOST else tuple(replace(each, name="") for each in _COLUMNS)
    order = order_of(asked.order, columns, _DEFAULT)
    groups = sorted(found.groups, key=_KEYS[order.name], reverse=order.falls)
    return ErrorsView(
        times=times(asked),
        told=_told(failed, len(found.groups)),
        ranges=ranges(asked, "/errors"),
        task_type=asked.task_type,
        all_types_url=asked.address("/errors", task_type=""),
        profile_url=asked.address("/profile"),
        groups=tuple(_group_view(each, found.dead_letters, asked, now) for each in groups),
        heads=heads(columns, order, lambda told: asked.address("/errors", order=told)),
        since=iso(asked.window.since),
        until=iso(asked.window.until),
        address=asked.address("/errors"),
    )


def _told(failed: int, groups: int) -> str:
    kinds = f"the {groups} most frequent kinds" if groups >= MOST else format_count(groups, "kind")
    return f"{format_count(failed, 'task')} failed, with {kinds} of error"


def _group_view(group: ErrorGroup, dead: DeadLetters, asked: Asked, now: datetime) -> GroupView:
    return GroupView(
        error_type=group.error_type,
        message=group.shape,
        count=f"{group.count:,}",
        first=in_words(group.first),
        last=in_words(group.last),
        ago=f"{format_duration(max(0, round((now.timestamp() - group.last) * 1e9)))} ago",
        journey_url=links.of_task("", group.correlation_id, group.task_id).url if group.correlation_id else "",
        correlation_id=group.correlation_id,
        tasks_url=_tasks_url(group, asked),
        dead_letters=_count(len(dead.of(group.error_type, group.shape)), dead.more),
    )


def _count(number: int, more: bool) -> str:
    if not number:
        return ""
    return f"{number:,} or more dead letters" if more else format_count(number, "dead letter")


def _tasks_url(group: ErrorGroup, asked: Asked) -> str:
    params = {"status": "FAILURE", "error_type": group.error_type, "task_type": asked.task_type}
    return f"/tasks?{urlencode({name: value for name, value in params.items() if value})}"
