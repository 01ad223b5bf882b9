"""One attempt of a task that has ended, and why, in words."""

from dataclasses import dataclass

from throughline.journey.quantities import format_duration
from throughline.ledger.states import Status


@dataclass(frozen=True)
class AttemptEnd:
    """One attempt that has ended. `status` is RETRY when the task ran again after it, or will."""

    attempt: int  # 0 when no report says which
    status: str
    took_ns: int
    node: str  # the worker that ran it; empty when unknown
    error_type: str = ""
    error_message: str = ""  # empty where it may hold the task's data: then it is not logged
    raised_at: str = ""  # the line of code, where that was logged
    cause: str = ""  # why it ended without an error of its own
    lost_ns: int = 0  # after `took_ns`: from the last sign of life of a lost worker until that was noticed

    @property
    def reason(self) -> str:
        """`ValueError: no price`, or the cause; empty for one that returned."""
        told = self.error_message or (f"raised in {self.raised_at}" if self.raised_at else "")
        return ": ".join(filter(None, (self.error_type, told))) or self.cause

    @property
    def words(self) -> str:
        """`attempt 2 on worker-1, 75.8 ms: ConnectionError: refused`."""
        return self.words_without_reason + (f": {self.reason}" if self.reason else "")

    @property
    def words_without_reason(self) -> str:
        """`attempt 2 on worker-1, 75.8 ms`; with what came of it where that has no reason."""
        number = f"attempt {self.attempt}" if self.attempt else "an attempt"
        where = f" on {self.node}" if self.node else ""
        came_of_it = f" → {self.status}" if self.status in {Status.SUCCESS, Status.REVOKED} else ""
        lost = f" and {format_duration(self.lost_ns)} without a sign of life" if self.lost_ns else ""
        return f"{number}{where}, {format_duration(self.took_ns)}{lost}{came_of_it}"
