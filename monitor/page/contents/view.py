"""What the page shows of a task's input and result: pure functions from the stored task to what the template prints."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from monitor.page.charts.view import ChartView, chart_views
from monitor.page.contents.printed_json import printed
from monitor.page.contents.visible import visible
from monitor.page.moments import in_words
from throughline import lifetime
from throughline.ledger.body import message_data
from throughline.ledger.states import Status
from throughline.ledger.stored_error import stored_error
from throughline.ledger.stored_task import StoredTask
from throughline.tasks.charts import Chart

_NO_INPUT: Final = "Not kept: the task was not submitted through this API."
_LONGEST_MESSAGE: Final = 4_000


@dataclass(frozen=True)
class Part:
    """Input or result: `text` is JSON as people read it; without any, `says` tells why. `cut`: only its beginning."""

    says: str = ""
    text: str = ""
    cut: bool = False
    url: str = ""  # of the whole, to be kept as a file


@dataclass(frozen=True)
class ContentsView:
    """The section of one task."""

    task_id: str
    url: str
    input: Part
    result: Part
    error: tuple[str, str] | None = None  # the exception's class and its words
    kept: str = ""
    charts: tuple[ChartView, ...] = ()


def address(task_id: str) -> str:
    """Of the page of one task."""
    return f"/tasks/{quote(task_id, safe='')}"


def contents_view(stored: StoredTask, ttl_seconds: int, charts: Sequence[Chart] = ()) -> ContentsView:
    """`charts` are those that its task type declares."""
    url = address(stored.task_id)
    error = stored_error(stored)
    told = None if error is None else (visible(error.type), visible(error.message[:_LONGEST_MESSAGE]))
    return ContentsView(
        stored.task_id,
        url,
        _input(stored, url),
        _result(stored, url),
        told,
        _kept(stored.record.finished_at, ttl_seconds),
        _charts(stored, charts),
    )


def gone(task_id: str, ttl_seconds: int) -> ContentsView:
    """Of a task that only log lines and spans still tell of."""
    says = f"No longer there: input and result are kept for {lifetime.in_words(ttl_seconds)} after the task's end."
    return ContentsView(task_id, address(task_id), Part(says), Part(says))


def unanswered(task_id: str, why: str) -> ContentsView:
    """Of a task whose store does not answer."""
    return ContentsView(task_id, address(task_id), Part(why), Part(why))


def input_of(stored: StoredTask) -> Any:
    """Raises `ValueError` with the reason when it cannot be told."""
    if not stored.message:
        raise ValueError(_NO_INPUT)
    try:
        return message_data(stored.message)[1]
    except ValueError:  # whose words may quote what it holds
        raise ValueError("It cannot be read: it is not what this API writes.") from None


def result_of(stored: StoredTask) -> Any:
    """Raises `ValueError` with the reason when there is none."""
    if stored.status is Status.SUCCESS:
        if stored.unreadable:
            raise ValueError(f"It cannot be told: {stored.unreadable}.")
        if "result" not in stored.celery_meta:
            raise ValueError("Not kept: the worker that ran the task stored no result.")
        return stored.celery_meta["result"]
    if stored.status is Status.FAILURE:
        raise ValueError("None: the task failed.")
    if stored.status is Status.REVOKED:
        raise ValueError("None: the task was cancelled, or had expired.")
    raise ValueError(f"Not there yet: the task is {stored.status}.")


def _input(stored: StoredTask, url: str) -> Part:
    try:
        value = input_of(stored)
    except ValueError as why:
        return Part(str(why))
    shown = printed(value)
    return Part(text=shown.text, cut=shown.cut, url=f"{url}/input")


def _result(stored: StoredTask, url: str) -> Part:
    try:
        value = result_of(stored)
    except ValueError as why:
        return Part("" if stored.status is Status.FAILURE else str(why))
    shown = printed(value)
    return Part(text=shown.text, cut=shown.cut, url=f"{url}/result")


def _charts(stored: StoredTask, charts: Sequence[Chart]) -> tuple[ChartView, ...]:
    try:
        return chart_views(charts, result_of(stored)) if charts else ()
    except ValueError:
        return ()


def _kept(finished_at: float | None, ttl_seconds: int) -> str:
    """A retention that was shortened, or a file that was full, may end it sooner."""
    if finished_at is None:
        return f"Kept for {lifetime.in_words(ttl_seconds)} after the task's end."
    return f"Kept for {lifetime.in_words(ttl_seconds)}, until {in_words(finished_at + ttl_seconds)} UTC."
