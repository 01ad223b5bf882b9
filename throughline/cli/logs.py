"""`throughline logs`: log lines in the words of the journey, as they were written or, with --follow, as they are."""

import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from os import environ
from typing import Any, Final

import orjson

from throughline.cli.time_options import in_words, moment
from throughline.journey.local_files import lines_folder
from throughline.local.run import CannotRun, var_dir
from throughline.tail.followed_files import FollowedFiles, fields_of
from throughline.tail.wanted import Wanted

Line = Mapping[str, Any]
_SINCE: Final = "10m"
_ONE_JOURNEY_SINCE: Final = "7d"  # its lines are few, and log lines are kept as long
_FILES_SECONDS: Final = 0.3
_ELASTICSEARCH_SECONDS: Final = 1.0
_OPTIONS: Final = {"correlation_id": "--correlation-id", "task_id": "--task-id"}


@dataclass(frozen=True)
class Source:
    """What there is so far, then what is new at each call; `seconds` between the calls."""

    where: str
    so_far: Callable[[], Iterable[Line]]
    new: Callable[[], Iterable[Line]]
    seconds: float


def logs(arguments: Namespace) -> int:
    """0 when there was a line, 1 when there was none; 130 when it was interrupted, as --follow is meant to be."""
    wanted = _wanted(arguments)
    since = moment("--since", arguments.since or _since(wanted), datetime.now(UTC))
    show = _as_json if arguments.json else _in_words(wanted)
    url = environ.get("ELASTICSEARCH_URL", "")
    with ExitStack() as opened:
        try:
            source = _elasticsearch(url, wanted, since, opened) if url else _files(wanted, since, opened)
            found = show(source.so_far())
            if not found:
                _say(_nothing(wanted, since, source.where, follows=arguments.follow))
            while arguments.follow:
                time.sleep(source.seconds)
                show(source.new())
        except KeyboardInterrupt:
            return 130
    return 0 if found else 1


def _wanted(arguments: Namespace) -> Wanted:
    told = {name: getattr(arguments, name) or "" for name in ("correlation_id", "task_id", "level", "service")}
    wanted = Wanted(**(told | {"level": told["level"].lower()}))
    for name, mistake in wanted.mistakes().items():
        raise CannotRun(f"{_OPTIONS.get(name, f'--{name}')} {mistake}, not {told[name][:40]!r}.")
    return wanted


def _since(wanted: Wanted) -> str:
    return _ONE_JOURNEY_SINCE if wanted.is_one_journey else _SINCE


def _files(wanted: Wanted, since: datetime, opened: ExitStack) -> Source:
    folder = lines_folder(var_dir())
    followed = opened.enter_context(closing(FollowedFiles(folder, since)))

    def through(lines: Iterable[bytes]) -> Iterator[Line]:
        return filter(wanted.lets_through, fields_of(lines))

    return Source(str(folder), lambda: through(followed.so_far()), lambda: through(followed.poll()), _FILES_SECONDS)


def _elasticsearch(url: str, wanted: Wanted, since: datetime, opened: ExitStack) -> Source:
    # Imported here, so that reading files does not wait for an HTTP client to load.
    from throughline.cli.elasticsearch import client_of  # noqa: PLC0415
    from throughline.journey.elasticsearch_client import Unanswered  # noqa: PLC0415
    from throughline.tail.elasticsearch import FollowedElasticsearch  # noqa: PLC0415

    followed = FollowedElasticsearch(opened.enter_context(client_of(url)), wanted, since)
    is_away = False

    def first() -> Iterator[Line]:
        try:
            while lines := followed.poll():  # at most some thousands at a time
                yield from lines
        except Unanswered as error:
            raise CannotRun(f"{error}") from None

    def new() -> list[Line]:
        nonlocal is_away
        try:
            found: list[Line] = list(followed.poll())
        except Unanswered as error:
            if not is_away:
                _say(f"{error}. Trying again every second.")
            is_away = True
            return []
        if is_away:
            _say(f"{url} answers again.")
        is_away = False
        return found

    return Source(url, first, new, _ELASTICSEARCH_SECONDS)


def _as_json(lines: Iterable[Line]) -> int:
    count = 0
    for line in lines:
        print(orjson.dumps(line).decode())
        count += 1
    sys.stdout.flush()
    return count


def _in_words(wanted: Wanted) -> Callable[[Iterable[Line]], int]:
    # Imported here: `--json` works where rich is not installed.
    from throughline.cli.log_lines import Printed  # noqa: PLC0415
    from throughline.cli.terminal import terminal  # noqa: PLC0415

    return Printed(terminal(), hidden_id=wanted.correlation_id)


def _nothing(wanted: Wanted, since: datetime, where: str, *, follows: bool) -> str:
    asked = {
        "correlation ID": wanted.correlation_id,
        "task": wanted.task_id,
        "level from": wanted.level,
        "service": wanted.service,
    }
    of = ", ".join(f"{name} {value}" for name, value in asked.items() if value)
    said = f"No log line{f' with {of}' if of else ''} since {in_words(since)} in {where}"
    if follows:
        return f"{said} so far. New ones are shown; Ctrl-C ends."
    longer = "" if since < datetime.now(UTC) - timedelta(days=6) else " A longer time: --since 7d."
    return f"{said}.{longer}"


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
