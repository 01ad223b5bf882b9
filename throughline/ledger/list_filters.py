"""A list's filters as they stand in a URL: checked, each mistake told with the parameter's name, and made a query."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.json_schema import WithJsonSchema

from throughline.ledger.list_cursor import LONGEST, place_of
from throughline.ledger.message import Queue
from throughline.ledger.states import Status
from throughline.ledger.task_query import TaskQuery
from throughline.telemetry import correlation

MOST: Final = 500
_RFC_3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?:([Zz])|([+\- ]\d\d:?\d\d))?", re.ASCII
)
_SECONDS: Final = re.compile(r"\d{1,15}(\.\d*)?", re.ASCII)
_MILLISECONDS: Final = 1e11  # as seconds this is the year 5138: what is larger is a time in milliseconds


def moment(told: Any) -> float:
    """Seconds since 1970 of an RFC 3339 time with its offset, or of such a number; raises `ValueError`."""
    text = str(told).strip()
    if _SECONDS.fullmatch(text):
        seconds = float(text)
        if seconds >= _MILLISECONDS:
            raise ValueError("A number must be seconds since 1970, and this one looks like milliseconds")
        return seconds
    found = _RFC_3339.fullmatch(text)
    if found is None:
        raise ValueError("Must be a time such as 2026-11-25T16:30:00Z, or seconds since 1970")
    day, time, utc, offset = found.groups()
    if not utc and not offset:
        raise ValueError("The time needs its offset from UTC: 2026-11-25T16:30:00Z or 2026-11-25T17:30:00+01:00")
    # A plus sign that is not escaped arrives as a blank.
    zone = "+00:00" if utc else offset.replace(" ", "+")
    try:
        return datetime.fromisoformat(f"{day}T{time}{zone}").timestamp()
    except (ValueError, OverflowError) as error:
        raise ValueError(f"There is no such time ({error})") from None


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("Must have no control characters")
    return text


def _statuses(told: Any) -> list[Status]:
    """`status=A,B` and `status=A&status=B` are the same."""
    words = [word for each in ([told] if isinstance(told, str) else told) for word in str(each).split(",")]
    wrong = next((word for word in words if word not in set(Status)), None)
    if wrong is not None:
        raise ValueError(f"Must be of {', '.join(Status)}, not {wrong[:64]!r}")
    return [Status(word) for word in dict.fromkeys(words)]


def _means(what: str, **more: Any) -> Any:
    return Field(default=None, description=what, **more)


_Text = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_printable)]
_Moment = Annotated[float, BeforeValidator(moment), WithJsonSchema({"type": "string", "format": "date-time"})]
_Statuses = Annotated[list[Status], BeforeValidator(_statuses)]


class ListFilters(BaseModel):
    """What a list of tasks can be asked for. A parameter that is not here is a mistake, not a wish to be ignored."""

    model_config = ConfigDict(extra="forbid")

    correlation_id: str | None = _means(
        "Tasks that were submitted under this correlation ID.", pattern=f"^{correlation.PATTERN}$"
    )
    status: _Statuses | None = _means("Tasks in one of these states: given several times, or divided by commas.")
    task_type: _Text | None = _means("Tasks of this type; one that the service no longer has may have old tasks.")
    queue: Queue | None = _means("Tasks of this queue.")
    worker: _Text | None = _means("Tasks whose latest attempt this worker made.")
    error_type: _Text | None = _means("Tasks that failed with this class of exception, such as `ValueError`.")
    submitted_after: _Moment | None = _means(
        "Tasks submitted at this moment or later: RFC 3339 with an offset, or seconds since 1970."
    )
    submitted_before: _Moment | None = _means("Tasks submitted before this moment.")
    slower_than_ms: float | None = _means(
        "Tasks that took longer from their submission to their end, or until now.", ge=0, le=1e12, allow_inf_nan=False
    )
    order: Literal["newest", "oldest"] = Field(default="newest", description="By submission.")
    limit: int = Field(default=50, ge=1, le=MOST, description="At most so many tasks in one page.")
    cursor: str | None = _means(
        "`next` of the page before. Filters and order must be the same again.",
        json_schema_extra={"pattern": f"^[A-Za-z0-9_-]{{1,{LONGEST}}}$"},
    )

    @field_validator("submitted_before")
    @classmethod
    def _not_upside_down(cls, before: float | None, info: ValidationInfo) -> float | None:
        after = info.data.get("submitted_after")
        if before is not None and after is not None and before < after:
            raise ValueError("Must not be earlier than submitted_after: this time range is upside down")
        return before

    @field_validator("cursor")
    @classmethod
    def _of_this_list(cls, cursor: str | None, info: ValidationInfo) -> str | None:
        all_valid = set(info.data) == set(cls.model_fields) - {"cursor"}
        if cursor is not None and all_valid:  # another mistake is told first
            place_of(cursor, _query(info.data))
        return cursor

    def query(self, caller: str | None = None) -> TaskQuery:
        """For Redis and the history; `caller` sees their own tasks alone, None those of everybody."""
        return _query(dict(self), caller, self.cursor)


def _query(told: Mapping[str, Any], caller: str | None = None, cursor: str | None = None) -> TaskQuery:
    query = TaskQuery(
        correlation_id=told["correlation_id"] or "",
        statuses=tuple(told["status"] or ()),
        task_type=told["task_type"] or "",
        queue=told["queue"] or "",
        worker=told["worker"] or "",
        error_type=told["error_type"] or "",
        submitted_after=told["submitted_after"],
        submitted_before=told["submitted_before"],
        slower_than_ms=told["slower_than_ms"],
        caller=caller,
        newest_first=told["order"] == "newest",
        limit=told["limit"],
    )
    return query if cursor is None else query.beginning_after(place_of(cursor, query))
