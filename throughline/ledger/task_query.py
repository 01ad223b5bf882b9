"""Which tasks a list shows: the filters, the order, and where a page begins. Redis and the history answer the same."""

from dataclasses import dataclass, replace
from typing import NamedTuple, Self

from throughline.ledger import durations
from throughline.ledger.states import FINAL, Status
from throughline.ledger.stored_task import StoredTask


class Place(NamedTuple):
    """A task's place in every list: by submission, and by ID where two were submitted in the same microsecond."""

    submitted_at: float  # seconds since 1970, by Redis's clock
    task_id: str

    @classmethod
    def of(cls, task: StoredTask) -> Self:
        return cls(task.record.submitted_at, task.task_id)


@dataclass(frozen=True)
class TaskQuery:
    """An empty filter lets every task through; times are seconds since 1970."""

    correlation_id: str = ""
    statuses: tuple[Status, ...] = ()
    task_type: str = ""
    queue: str = ""
    worker: str = ""  # the one that made the latest attempt
    error_type: str = ""  # the class of the exception that it failed with
    submitted_after: float | None = None  # this moment included
    submitted_before: float | None = None  # this moment not included
    slower_than_ms: float | None = None  # from its submission to its end, or until now if it has not ended
    caller: str | None = None  # whose tasks; None for everybody's
    newest_first: bool = True
    after: Place | None = None  # the last task of the page before
    limit: int = 50

    @property
    def wants_ended(self) -> bool:
        """Whether it may let an ended task through: no other is in the history."""
        return not self.statuses or any(status in FINAL for status in self.statuses)

    def beginning_after(self, place: Place) -> Self:
        return replace(self, after=place)

    def at_most(self, limit: int) -> Self:
        return replace(self, limit=limit)

    def is_ahead(self, place: Place) -> bool:
        """Whether a task at this place comes after the last task of the page before."""
        return self.after is None or (place < self.after if self.newest_first else place > self.after)

    def range_of_scores(self) -> tuple[str, str]:
        """From where to where a walk by submission goes, as ZRANGE BYSCORE has it; `after` itself is met again."""
        oldest = "-inf" if self.submitted_after is None else repr(self.submitted_after)
        newest = "+inf" if self.submitted_before is None else f"({self.submitted_before!r}"
        start, end = (newest, oldest) if self.newest_first else (oldest, newest)
        return (start if self.after is None else repr(self.after.submitted_at)), end

    def matches(self, task: StoredTask, now: float) -> bool:
        """Whether the filters let the task through; `after` and `limit` aside."""
        record = task.record
        took = durations.total_ms(record, now)
        worker = record.attempts[-1].worker if record.attempts else ""
        return (
            self.correlation_id in {"", record.correlation_id}
            and (not self.statuses or task.status in self.statuses)
            and self.task_type in {"", record.task_type}
            and self.queue in {"", record.queue}
            and self.worker in {"", worker}
            and self.error_type in {"", task.error_type}
            and (self.submitted_after is None or record.submitted_at >= self.submitted_after)
            and (self.submitted_before is None or record.submitted_at < self.submitted_before)
            and (self.slower_than_ms is None or (took is not None and took > self.slower_than_ms))
            and self.caller in {None, record.caller}
        )
