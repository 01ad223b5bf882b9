"""`throughline tasks cancel|replay|resubmit`: on the tasks of these IDs, or on all that the filters let through."""

import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from throughline.cli import service, tasks
from throughline.cli.confirmation import confirmed
from throughline.cli.operator_calls import OperatorCalls, Refused
from throughline.cli.terminal import plain
from throughline.client.errors import InvalidRequest
from throughline.client.requests import checked_task_id
from throughline.journey.quantities import format_count
from throughline.ledger.states import Reason, Status
from throughline.local.run import CannotRun

MOST: Final = 1000
_DEAD: Final = {Reason.RETRIES_USED_UP, Reason.DELIVERIES_USED_UP}
_VERBS: Final = {"cancel": ("Cancel", ""), "replay": ("Replay", ""), "resubmit": ("Submit", " again")}
_NOT_ENDED: Final = [status for status in Status if not status.is_final]
# What the filters mean where no state is named: others would only be refused.
_STATES: Final[Mapping[str, Sequence[Status]]] = {"cancel": _NOT_ENDED, "replay": [Status.FAILURE], "resubmit": []}


@dataclass(frozen=True)
class Chosen:
    """Which tasks; `others` failed and are no dead letters; `more`: the filters let through more than the limit."""

    task_ids: tuple[str, ...]
    others: int = 0
    more: bool = False


def cancel(arguments: Namespace) -> int:
    return _act("cancel", arguments)


def replay(arguments: Namespace) -> int:
    return _act("replay", arguments)


def resubmit(arguments: Namespace) -> int:
    return _act("resubmit", arguments)


def _act(action: str, arguments: Namespace) -> int:
    """0 when all was done, 1 when something was refused or nothing was to be done."""
    address = service.url(arguments.url)
    with OperatorCalls(address, arguments.why) as calls:
        chosen = _chosen(action, arguments, address)
        if not chosen.task_ids:
            print(f"No task at {address} is like that.{_left(chosen)}", file=sys.stderr)
            return 1
        if not confirmed(f"{question(action, chosen, address)}{_left(chosen)}", yes=arguments.yes):
            print("Nothing was done.", file=sys.stderr)
            return 1
        done = sum(_done(action, task_id, calls) for task_id in chosen.task_ids)
        count = format_count(len(chosen.task_ids), "task")
        print(f"{done:,} of {count} done; throughline journey {calls.correlation_id}", file=sys.stderr)
    return 0 if done == len(chosen.task_ids) else 1


def question(action: str, chosen: Chosen, address: str) -> str:
    """`Submit 3 tasks again at http://…?`"""
    verb, rest = _VERBS[action]
    return f"{verb} {format_count(len(chosen.task_ids), 'task')}{rest} at {address}?"


def _left(chosen: Chosen) -> str:
    said = ""
    if chosen.more:
        said += " There are more: --limit, or the same once more afterwards."
    if chosen.others:
        those = "is no dead letter" if chosen.others == 1 else "are no dead letters"
        said += f" {format_count(chosen.others, 'other task')} that failed {those}."
    return said


def _chosen(action: str, arguments: Namespace, address: str) -> Chosen:
    limit = tasks.number("--limit", arguments.limit)
    if limit > MOST:
        raise CannotRun(f"--limit must be at most {MOST:,}: the same command goes on with the next ones.")
    filters = tasks.filters_of(arguments, datetime.now(UTC))
    asked = any(filters.values())
    if bool(arguments.task_ids) == asked:
        both = "not by both" if asked else "such as --error ConnectionError --since 1h"
        raise CannotRun(f"Say which tasks: by their IDs, or by the filters of `throughline tasks`, {both}.")
    if arguments.task_ids:
        return Chosen(_checked(arguments.task_ids, limit))
    filters["status"] = filters.get("status") or _STATES[action] or None
    with service.client(address) as client:
        order: Any = tasks.one_of("--order", arguments.order, ("newest", "oldest"))
        found = [task.listed for task in islice(client.tasks(order=order, limit=limit + 1, **filters), limit + 1)]
    listed = found[:limit]
    wanted = [task for task in listed if action != "replay" or is_dead_letter(task)]
    return Chosen(tuple(task["task_id"] for task in wanted), len(listed) - len(wanted), more=len(found) > limit)


def _checked(task_ids: Sequence[str], limit: int) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(task_ids))
    if len(found) > limit:
        raise CannotRun(f"These are {len(found)} tasks, more than --limit {limit}.")
    try:
        return tuple(map(checked_task_id, found))
    except InvalidRequest as error:
        raise CannotRun(str(error)) from None


def is_dead_letter(task: Mapping[str, Any]) -> bool:
    """As far as its latest attempt tells; one without an attempt is left to the API to judge."""
    attempts = task.get("attempts") or [{}]
    return task.get("status") == Status.FAILURE and attempts[-1].get("ended_by", Reason.RETRIES_USED_UP) in _DEAD


def _done(action: str, task_id: str, calls: OperatorCalls) -> bool:
    try:
        told = calls.on_task(action, task_id)
    except Refused as why:
        print(plain(f"{task_id}  not done: {why}"), flush=True)
        return False
    print(plain(f"{task_id}  {_told(action, told)}"), flush=True)
    return True


def _told(action: str, told: Mapping[str, Any]) -> str:
    if action == "resubmit":
        return f"submitted again as {told['task_id']}"
    if action == "replay":
        return f"back in {told.get('queue', 'its queue')}"
    return "cancelled" if told["status"] == Status.REVOKED else "asked to stop at its next checkpoint"
