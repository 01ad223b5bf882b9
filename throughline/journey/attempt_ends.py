"""How each attempt of a task ended, and why: from what its spans and log lines report."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from throughline.journey.attempt_end import AttemptEnd
from throughline.journey.task_changes import Change, lost_ns
from throughline.ledger.states import Status

_ENDED: Final = {Status.SUCCESS, Status.FAILURE, Status.REVOKED}


def attempt_ends(changes: Sequence[Change]) -> tuple[AttemptEnd, ...]:
    """`changes` are those of one task, by time."""
    return tuple(_ends(changes))


def _ends(changes: Sequence[Change]) -> Iterator[AttemptEnd]:
    told: set[int] = set()
    for begun, ended in pairwise(changes):
        if begun.status != Status.STARTED:
            continue
        end = _end(begun, ended)
        # A message that came again for a task that must not run any more bears the number of the attempt before it.
        if not end.attempt or end.attempt not in told:
            yield end
        told.add(end.attempt)


def _end(begun: Change, ended: Change) -> AttemptEnd:
    fields, ran_again = ended.fields, ended.status not in _ENDED
    lost = "lost with its process" if ran_again and ended.status == Status.STARTED else ""
    told = {} if lost else fields
    silent_ns = lost_ns(told)
    return AttemptEnd(
        attempt=begun.attempt or (0 if lost else ended.attempt),
        status=Status.RETRY if ran_again else ended.status,
        took_ns=max(0, ended.at_ns - begun.at_ns - silent_ns),
        lost_ns=silent_ns,
        node=str(told.get("worker") or begun.fields.get("service.node.name") or _node(ended)),
        error_type=str(told.get("error.type") or ""),
        error_message=str(told.get("error.message") or ""),
        raised_at=raised_at(told),
        cause=lost or str(told.get("cause") or ""),
    )


def _node(ended: Change) -> str:
    """Of an end that its own process tells; what the sweep or a worker's main process found ran elsewhere."""
    own = ended.action in {"", "task.succeeded", "task.failed", "task.retried", "task.cancelled"}
    return str(ended.fields.get("service.node.name", "")) if own else ""


def raised_at(fields: Mapping[str, Any]) -> str:
    """`reval, my_tasks.py line 19`: the innermost line of code of the latest error in a stack trace."""
    found = ""
    for line in str(fields.get("error.stack_trace") or "").splitlines():
        if line.startswith("because of "):
            break
        if line.startswith('  File "'):
            path, _, rest = line.removeprefix('  File "').partition('", line ')
            number, _, function = rest.partition(", in ")
            found = f"{function}, {path.rpartition('/')[2]} line {number}"
    return found
