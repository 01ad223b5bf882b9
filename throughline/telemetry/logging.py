"""Log lines: one JSON object each on stdout, in the words of the vocabulary, naming who wrote them and for whom."""

import logging
import os
import sys
from collections.abc import Mapping
from functools import cache
from types import TracebackType
from typing import Any, Final

from throughline.settings import ProcessSettings
from throughline.telemetry import correlation, standard_output, vocabulary
from throughline.telemetry.log_line import NOTICE, EventRecord, JsonLine
from throughline.telemetry.standard_output import StandardOutput

logging.addLevelName(NOTICE, "NOTICE")

# What ENVIRONMENT=… lets through: (our own lines, those of libraries). A library's DEBUG lines hold task data.
_LEVELS: Final = {
    "development": (logging.DEBUG, logging.INFO),
    "staging": (logging.INFO, logging.WARNING),
    "production": (NOTICE, logging.WARNING),
}
_EVENTS: Final = logging.getLogger("throughline")


def event(action: str, message: str, fields: Mapping[str, Any] | None = None) -> None:
    """Logs an event of the vocabulary at the level that the vocabulary gives it; `KeyError` for any other.

    `ValueError` for an event of a task without the task's correlation ID, at every level: the one search would miss it.
    """
    level = _level_of(action)
    own = {"event.action": action, **(fields or {})}
    if action.startswith("task.") and not correlation.is_valid(own.get("correlation_id") or correlation.current()):
        raise ValueError(f"{action} has no correlation ID: write it inside `with correlation.bound(…)`")
    if _EVENTS.isEnabledFor(level):
        output = _only_output()
        if output is not None:
            output.put_event(level, message, own)
        else:
            _EVENTS.handle(EventRecord(_EVENTS.name, level, message, own))


def _only_output() -> StandardOutput | None:
    """Standard output if nobody else wants to see events: no handler of a test's or a user's."""
    handlers = logging.root.handlers
    if len(handlers) == 1 and isinstance(handlers[0], StandardOutput) and not _EVENTS.handlers and not _EVENTS.filters:
        return handlers[0]
    return None


@cache
def _level_of(action: str) -> int:
    return logging.getLevelNamesMapping()[vocabulary.event_levels()[action].upper()]


def setup(service: str, settings: ProcessSettings) -> None:
    """Sends every line of this process to stdout as JSON, those of its libraries and its last traceback included."""
    own_level, library_level = _LEVELS[settings.environment]
    vocabulary.event_levels()  # read now, not inside the first request
    root = logging.getLogger()
    json_line = JsonLine(service, node_name(service, settings), settings.service_version)
    root.handlers = [StandardOutput(json_line)]
    root.setLevel(library_level)
    _EVENTS.setLevel(own_level)
    for name in list(logging.root.manager.loggerDict):
        library = logging.getLogger(name)
        if library.handlers:  # uvicorn gives its loggers handlers of their own, which do not write JSON
            library.handlers = []
            library.propagate = True
    logging.captureWarnings(True)
    sys.excepthook = _log_last_words


def tell_started(service: str, settings: ProcessSettings) -> None:
    """The event of a process that begins its work; nginx/started.sh writes NGINX's."""
    event("service.started", f"{node_name(service, settings)} runs version {settings.service_version}")


def say(message: str) -> None:
    """Writes a line from inside a signal handler, which may have interrupted a write: without the handler's lock."""
    handler = logging.getLogger().handlers[0]
    record = logging.makeLogRecord({"name": "throughline.process", "levelname": "INFO", "msg": message})
    standard_output.write((handler.format(record) + "\n").encode())


def node_name(service: str, settings: ProcessSettings) -> str:
    """Which instance of the service this is."""
    return settings.service_node_name or f"{service}-{os.uname().nodename}"


def _log_last_words(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("throughline.process").critical(
        "The process ends on an error that nothing caught", exc_info=(kind, error, traceback)
    )
