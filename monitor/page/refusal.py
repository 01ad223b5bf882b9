"""Why a request for a page is refused."""

from collections.abc import Mapping
from typing import Final

from throughline.ledger.record import TaskRecord

_WRITTEN_WITHIN: Final = 30  # seconds until lines and spans can be found


class Refused(Exception):
    """What to answer instead; the detail is for people."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, dict(headers or {})


def not_found(correlation_id: str, task: TaskRecord | None, now: float) -> Refused:
    """For an ID without log lines and spans. `task` is its newest in Redis; `now` in seconds since the epoch."""
    if task is None:
        return Refused(404, "JOURNEY_NOT_FOUND", f"Nothing found under the correlation ID {correlation_id}.")
    known = f"Task {task.task_id} of {correlation_id} is {task.status}, but its log lines and spans cannot be found"
    if now - task.submitted_at < _WRITTEN_WITHIN:
        headers = {"Refresh": "1", "Retry-After": "1"}
        return Refused(404, "JOURNEY_NOT_WRITTEN", f"{known} yet. This page looks again by itself.", headers)
    detail = f"{known}: they are no longer kept, or held up. /api/v1/tasks/{task.task_id} tells what Redis knows."
    return Refused(404, "JOURNEY_NOT_WRITTEN", detail)
