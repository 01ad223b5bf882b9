"""Where else to look at a journey: Kibana's Discover, Jaeger, a shell."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode

from throughline.journey.journey import Journey
from throughline.settings import MonitorSettings

_WEEK: Final = "time:(from:now-7d,to:now)"  # log lines are kept as long
_AROUND: Final = timedelta(minutes=1)  # the last lines are written after the end, by clocks that differ a little


@dataclass(frozen=True)
class Link:
    """A link with its words."""

    text: str
    url: str


@dataclass(frozen=True)
class RangeLink:
    """A range of time to choose."""

    words: str
    url: str
    chosen: bool


@dataclass(frozen=True)
class Command:
    """Something to type; what it shows comes first."""

    text: str
    line: str


@dataclass(frozen=True)
class Places:
    """The addresses that links lead to, as browsers see them; empty where there is none."""

    base_url: str
    kibana: str = ""
    jaeger: str = ""
    needs_key: bool = False


def places(settings: MonitorSettings, base_url: str) -> Places:
    return Places(
        base_url,
        settings.kibana_public_url.rstrip("/"),
        settings.jaeger_public_url.rstrip("/"),
        settings.api_keys_file is not None,
    )


def of_journey(journey: Journey, at: Places) -> tuple[Link, ...]:
    """A correlation ID needs no escaping here: none of its characters has a meaning in the query."""
    if not at.kibana:
        return ()
    query = f"query:(language:kuery,query:'correlation_id:\"{journey.correlation_id}\"')"
    # Of log lines and of spans alike: dashboards/kibana/data_views.py
    columns = "columns:!(service.name,service.node.name,step,took_ms,task_id)"
    found = f"(index:throughline,{columns},{query},sort:!(!('@timestamp',asc)))"
    when = _time_of(journey)
    return (
        Link("Journey in Kibana", f"{at.kibana}/app/dashboards#/view/throughline-journey?_g=({when})&_a=({query})"),
        Link("Log lines and spans in Kibana", f"{at.kibana}/app/discover#/?_g=({when})&_a={found}"),
    )


def _time_of(journey: Journey) -> str:
    """From shortly before its first request to shortly after its end, or to now while there is none."""
    if not journey.requests:
        return _WEEK
    begins = min(request.started for request in journey.requests) - _AROUND
    if not all(request.has_ended for request in journey.requests):
        return f"time:(from:'{_moment(begins)}',to:now)"
    ends = [request.started + timedelta(microseconds=request.total_ns / 1000) for request in journey.requests]
    return f"time:(from:'{_moment(begins)}',to:'{_moment(max(ends) + _AROUND)}')"


def _moment(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def of_task(text: str, correlation_id: str, task_id: str) -> Link:
    """To a task's journey under another correlation ID."""
    return Link(text, f"/journeys/{quote(correlation_id, safe='')}?task={quote(task_id, safe='')}")


def of_trace(trace_id: str, at: Places) -> tuple[Link, ...]:
    return (Link("Trace in Jaeger", f"{at.jaeger}/trace/{trace_id}"),) if at.jaeger and trace_id else ()


def of_tasks_like(task_type: str, error_type: str) -> Iterator[Link]:
    """To the lists of tasks that a task is one of."""
    if task_type:
        yield Link("Tasks of this type", f"/tasks?{urlencode({'task_type': task_type})}")
    if error_type:
        yield Link(f"Tasks with this error, {error_type}", f"/tasks?{urlencode({'error_type': error_type})}")


def commands(journey: Journey, at: Places) -> tuple[Command, ...]:
    """The same journey, and the newest task's state, for a shell."""
    key = ' -H "X-API-Key: $API_KEY"' if at.needs_key else ""
    path = f"{at.base_url}/journeys/{journey.correlation_id}"
    found = [
        Command("this journey as JSON", f'curl -H "Accept: application/json"{key} {path}'),
        Command("the same in a terminal", f"throughline journey {journey.correlation_id} --logs"),
    ]
    newest = next((each.task_id for each in reversed(journey.submissions) if _is_plain(each.task_id)), "")
    if newest:
        found.insert(1, Command("the task and its result", f"curl{key} {at.base_url}/api/v1/tasks/{newest}"))
    return tuple(found)


def _is_plain(task_id: str) -> bool:
    """A Celery client may give a task any ID: one that a shell would interpret is not offered for pasting."""
    return bool(task_id) and all(c.isascii() and (c.isalnum() or c in "-_.") for c in task_id)


def example(base_url: str, *, needs_key: bool) -> str:
    """A first task to send, for a page that has nothing to show yet."""
    key = ' -H "X-API-Key: $API_KEY"' if needs_key else ""
    task = (
        '{"task_type":"calculate_var","priority":"high",'
        '"data":{"positions":[{"symbol":"AAPL","quantity":100,"price":150.0}]}}'
    )
    return (
        f"curl {base_url}/api/v1/tasks{key} -H 'Content-Type: application/json' -H 'X-Request-ID: MY-FIRST' -d '{task}'"
    )
