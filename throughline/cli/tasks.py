"""`throughline tasks`: the tasks that all the filters let through, as a table or as JSON."""

import json
import os
import sys
from argparse import Namespace
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any, Final

from throughline.cli import service
from throughline.cli.time_options import moment, upside_down
from throughline.client.listing import TaskFilters
from throughline.ledger.message import Queue
from throughline.ledger.states import Status
from throughline.local.run import CannotRun
from throughline.telemetry import correlation
from throughline.time_span import seconds_of

_DRAWN_TOGETHER: Final = 10_000  # rows whose widths are known before the first is drawn
_UNBOUNDED: Final = 10_000


def tasks(arguments: Namespace) -> int:
    """0 also when there are none: a list without a task is an answer."""
    filters, limit = filters_of(arguments, datetime.now(UTC)), number("--limit", arguments.limit)
    order: Any = one_of("--order", arguments.order, ("newest", "oldest"))
    address = service.url(arguments.url)
    with service.client(address) as client:
        found = (task.listed for task in client.tasks(order=order, limit=limit, **filters))
        first = next(found, None)
        if first is None:
            print(f"No task at {address} is like that.", file=sys.stderr)
            return 0
        listed = chain([first], found)
        if arguments.json:
            for task in listed:
                print(json.dumps(task, ensure_ascii=False))
            return 0
        # Imported here: `--json` works where rich is not installed.
        from throughline.cli.task_table import draw  # noqa: PLC0415
        from throughline.cli.terminal import terminal  # noqa: PLC0415

        console = terminal()
        if not console.is_terminal and "COLUMNS" not in os.environ:
            console.width = _UNBOUNDED  # a line for each task, for grep and awk
        while some := list(islice(listed, _DRAWN_TOGETHER)):
            draw(some, console)
    return 0


def filters_of(arguments: Namespace, now: datetime) -> TaskFilters:
    since, until = _moment("--since", arguments.since, now), _moment("--until", arguments.until, now)
    if since and until and since > until:
        raise upside_down(since, until)
    return {
        "status": [one_of("--status", word.upper(), Status) for each in arguments.status for word in each.split(",")]
        or None,
        "submitted_after": since,
        "submitted_before": until,
        "slower_than_ms": _milliseconds("--slower-than", arguments.slower_than),
        "task_type": _text("--task-type", arguments.task_type),
        "queue": arguments.queue and one_of("--queue", arguments.queue.lower(), Queue),
        "worker": _text("--worker", arguments.worker),
        "error_type": _text("--error", arguments.error),
        "correlation_id": _correlation_id("--correlation", arguments.correlation),
    }


def _moment(option: str, text: str | None, now: datetime) -> datetime | None:
    return None if text is None else moment(option, text, now)


def _milliseconds(option: str, text: str | None) -> float | None:
    try:
        return None if text is None else seconds_of(text) * 1000
    except ValueError as error:
        raise CannotRun(f"{option} {error}.") from None


def number(option: str, text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not int(text[:9]) >= 1 or len(text) > 9:
        raise CannotRun(f"{option} must be a whole number from 1 on, not {text[:40]!r}.")
    return int(text)


def one_of(option: str, word: str, known: Any) -> str:
    if word not in list(known):
        raise CannotRun(f"{option} must be of {', '.join(known)}, not {word[:40]!r}.")
    return word


def _text(option: str, text: str | None) -> str | None:
    if text is not None and (not 1 <= len(text) <= 256 or not text.isprintable()):
        raise CannotRun(f"{option} must be 1 to 256 characters, none of them a control character, not {text[:40]!r}.")
    return text


def _correlation_id(option: str, text: str | None) -> str | None:
    if text is not None and not correlation.is_valid(text):
        what = "1 to 128 letters, digits, dots, underscores, colons and hyphens"
        raise CannotRun(f"{option} must be {what}, not {text[:40]!r}.")
    return text
