"""The mark by which a monitor knows Redis's data again, what it has seen beside it, and what a look at it has found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple, Self

from throughline.ledger.stored_task import StoredTask


@dataclass(frozen=True)
class DataMark:
    """Redis's data as they were seen: their identity, a number that only grows, when and where that was."""

    identity: str
    number: int
    before: str  # what lost data these have noted, JSON
    seen_at: float
    place: str  # of Redis, in words
    open: Mapping[str, StoredTask] = field(default_factory=dict)  # tasks that had not ended, by ID


class Loss(StrEnum):
    """What is in Redis instead of the data that were known."""

    NONE = ""
    OTHER = "other"  # none at all, or those of another database
    OLDER = "older"  # a copy from before


class News(StrEnum):
    """Whether a loss has been told."""

    NONE = ""
    FIRST = "first"  # by nobody
    AGAIN = "again"  # a moment ago, by another monitor, which may not know all of the tasks
    PAST = "past"  # long ago: whoever asks has been away, or knows it from an old copy of the history


class DataSeen(NamedTuple):
    """What a look at the mark has found."""

    loss: Loss
    news: News
    identity: str
    number: int
    before: str
    lost_at: float | None

    @classmethod
    def of(cls, answer: list[Any]) -> Self:
        loss, news, identity, number, before, lost_at = answer
        return cls(Loss(loss), News(news), str(identity), int(number), str(before), float(lost_at) if lost_at else None)


NOTHING: Final = DataMark("", 0, "", 0.0, "")
