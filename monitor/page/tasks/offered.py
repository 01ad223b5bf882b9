"""What can be done with a task from its journey: cancel it, replay it as a dead letter, submit it again."""

from dataclasses import dataclass

from monitor.page.tasks.actions import ACTIONS, Action
from throughline.journey.journey import Request
from throughline.ledger.record import TaskRecord


@dataclass(frozen=True)
class Offered:
    """The actions on one task; none for a request that submitted none."""

    task_id: str
    actions: tuple[Action, ...]


def offered(request: Request, record: TaskRecord | None) -> Offered:
    """The record knows best; without one, what its spans and lines tell."""
    if not request.task_id:
        return Offered("", ())
    ended = record.status.is_final if record else request.has_ended
    names = [*(() if ended else ("cancel",)), *(("replay",) if record and record.is_dead_letter else ()), "resubmit"]
    return Offered(request.task_id, tuple(ACTIONS[name] for name in names))
