"""`throughline errors`: what tasks failed with, in groups of one class and one shape of message."""

import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from textwrap import wrap
from typing import Any, Final

import httpx
import orjson
from rich.console import Console
from rich.text import Text

from throughline.cli import service
from throughline.cli.terminal import plain, terminal
from throughline.cli.time_options import in_words
from throughline.cli.time_window import window_of
from throughline.client.address import authorization, is_this_machine
from throughline.client.errors import InvalidRequest
from throughline.journey.quantities import format_count, format_duration
from throughline.local.run import CannotRun
from throughline.profile import Window

_SECONDS: Final = 15.0


def errors(arguments: Namespace) -> int:
    """0 also when there are none: no failure is an answer."""
    window, address = window_of(arguments.since, arguments.until), service.url(arguments.url)
    found = _asked(address, window, arguments.task_type)
    if arguments.json:
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    elif found["errors"]:
        draw(found["errors"], datetime.now(UTC), terminal())
    else:
        times = f"{in_words(window.since)} and {in_words(window.until)}"
        print(f"No task at {address} failed between {times}.", file=sys.stderr)
    return 0


def _asked(address: str, window: Window, task_type: str) -> dict[str, Any]:
    """The answer of the page's own address, which is for admins where there are API keys."""
    params = {"since": window.since.isoformat(), "until": window.until.isoformat(), "task_type": task_type}
    try:
        headers = authorization(os.environ.get("THROUGHLINE_API_KEY") or None)
    except InvalidRequest as error:
        raise CannotRun(f"THROUGHLINE_API_KEY: {error}") from None
    headers |= {"Accept": "application/json"}
    trust_env = not is_this_machine(address)
    try:
        answer = httpx.get(f"{address}/errors", params=params, headers=headers, timeout=_SECONDS, trust_env=trust_env)
        told = answer.json()
    except httpx.HTTPError as error:
        remedy = ": `make up` starts it" if service.is_local(address) else ""
        raise CannotRun(f"Throughline does not answer at {address} ({type(error).__name__}){remedy}.") from None
    except ValueError:
        raise CannotRun(f"What answers at {address}/errors is not Throughline: its answer is not JSON.") from None
    if answer.is_error or not isinstance(told, dict) or "errors" not in told:
        said = told.get("detail") if isinstance(told, dict) else None
        raise CannotRun(f"{address}/errors answered {answer.status_code}: {said or 'no list of errors'}")
    return told


def draw(found: Sequence[Mapping[str, Any]], now: datetime, console: Console) -> None:
    """Two or three lines for each group: an error's message needs the whole width."""
    for line in _lines(found, now, console.width):
        console.print(line, no_wrap=True, crop=False, soft_wrap=True)


def _lines(found: Sequence[Mapping[str, Any]], now: datetime, width: int) -> Iterator[Text]:
    for group in found:
        last = datetime.fromisoformat(group["last"])
        ago = format_duration(max(0, round((now - last).total_seconds() * 1e9)))
        count = format_count(group["count"], "task")
        yield Text.assemble((plain(group["error_type"]), "bold red"), f"  {count}, the last {ago} ago")
        for line in wrap(plain(group["message"]), max(20, width - 2)):
            yield Text(f"  {line}")
        times = f"{in_words(datetime.fromisoformat(group['first']))} to {in_words(last)}"
        yield Text(f"  {times} · throughline journey {plain(group['correlation_id'])}", "dim")
