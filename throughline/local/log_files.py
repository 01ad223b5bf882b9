"""A plugin of supervisor, in whose process it runs: log files that somebody removes or moves are written again.

Supervisor keeps the files open, and would go on writing where nobody reads.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from supervisor import events


def plugin(supervisord: Any) -> object:
    """What supervisor calls once, before it begins; from then on the files are looked at every five seconds."""
    events.subscribe(events.Tick5Event, lambda _: _look(supervisord))
    return object()  # no calls of its own


def _look(supervisord: Any) -> None:
    for handler in _handlers(supervisord):
        # A folder that cannot be made, a full disk: the next look may find it otherwise.
        with suppress(OSError, ValueError):
            if not _is_written(handler):
                Path(handler.baseFilename).parent.mkdir(mode=0o700, exist_ok=True)
                handler.reopen()


def _handlers(supervisord: Any) -> Iterator[Any]:
    """Those that write to a file: supervisor's own, and that of each output of each process."""
    dispatchers = (
        dispatcher
        for group in supervisord.process_groups.values()
        for process in group.processes.values()
        for dispatcher in process.dispatchers.values()
    )
    logs = [supervisord.options.logger, *(getattr(dispatcher, "normallog", None) for dispatcher in dispatchers)]
    for log in filter(None, logs):
        yield from (handler for handler in log.handlers if hasattr(handler, "baseFilename"))


def _is_written(handler: Any) -> bool:
    """Whether the file of that name is the one that is open."""
    if handler.closed:
        return False
    opened = os.fstat(handler.stream.fileno())
    with suppress(OSError):
        named = Path(handler.baseFilename).stat()
        return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)
    return False
