"""A list of tasks, page by page: which filters it is asked with, which page comes next, when it ends."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Literal, TypedDict

from throughline.client.errors import InvalidRequest
from throughline.client.exchange import Request
from throughline.client.requests import valid_correlation_id
from throughline.ledger.states import Status

Order = Literal["newest", "oldest"]

_MOST: Final = 500  # in one page, as the service has it
_PAGE: Final = 200


class TaskFilters(TypedDict, total=False):
    """Each lets some tasks through; None, or none at all, lets all. Datetimes carry their zone."""

    correlation_id: str | None
    status: str | Iterable[str] | None  # one state, or several
    task_type: str | None
    queue: str | None
    worker: str | None  # the one that made the latest attempt
    error_type: str | None  # the class of the exception that it failed with
    submitted_after: datetime | None  # this moment included
    submitted_before: datetime | None  # this moment not included
    slower_than_ms: float | None  # from the submission to the end, or until now


class Listing:
    """`next_page` is the request to send, None at the end; `take` reads its answer. `limit` is for all pages together.

    Raises `InvalidRequest` for a filter that cannot be sent.
    """

    def __init__(self, filters: Mapping[str, Any], order: Order, limit: int | None) -> None:
        if order not in {"newest", "oldest"}:
            raise InvalidRequest(f"order must be newest or oldest, not {order!r}.")
        if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
            raise InvalidRequest(f"limit must be a whole number of tasks from 1 on, not {limit!r}.")
        self._query = _parameters(filters) | {"order": order}
        self._left = math.inf if limit is None else limit
        self._page = _PAGE if limit is None else min(limit, _MOST)
        self._cursor: str | None = ""

    @property
    def next_page(self) -> Request | None:
        if self._cursor is None or self._left < 1:
            return None
        query = self._query | {"limit": str(int(min(self._page, self._left)))}
        return Request("GET", "/api/v1/tasks", query | ({"cursor": self._cursor} if self._cursor else {}))

    def take(self, page: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The tasks of the page, as the service tells them."""
        tasks: list[dict[str, Any]] = page["tasks"]
        self._left -= len(tasks)
        self._cursor = page.get("next")
        return tasks


def _parameters(filters: Mapping[str, Any]) -> dict[str, str]:
    if unknown := filters.keys() - TaskFilters.__annotations__.keys():
        raise TypeError(
            f"there is no filter {sorted(unknown)[0]!r}: there are {', '.join(TaskFilters.__annotations__)}"
        )
    return {name: _told(name, value) for name, value in filters.items() if value is not None}


def _told(name: str, value: Any) -> str:
    match name:
        case "status":
            return _states([value] if isinstance(value, str) else list(value))
        case "submitted_after" | "submitted_before":
            if not isinstance(value, datetime) or value.tzinfo is None:
                raise InvalidRequest(f"{name} must be a datetime with a time zone, not {value!r}.")
            return value.isoformat()
        case "slower_than_ms":
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
                raise InvalidRequest(f"{name} must be milliseconds, not {value!r}.")
            return repr(float(value))
    if not isinstance(value, str) or not value or not value.isprintable():
        raise InvalidRequest(f"{name} must be a text without control characters, not {str(value)[:128]!r}.")
    if name == "correlation_id":
        return valid_correlation_id(value)
    return value


def _states(told: list[Any]) -> str:
    for each in told or [""]:
        if each not in list(Status):
            raise InvalidRequest(f"status must be of {', '.join(Status)}, not {str(each)[:64]!r}.")
    return ",".join(told)
