"""Log lines: one JSON object each on stdout, in the words of the vocabulary, naming who wrote them and for whom."""

import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from types import TracebackType
from typing import Any, Final

from opentelemetry import trace
from pythonjsonlogger.orjson import OrjsonFormatter

from throughline.settings import ProcessSettings
from throughline.telemetry import correlation, vocabulary

NOTICE: Final = 25
logging.addLevelName(NOTICE, "NOTICE")

# What ENVIRONMENT=… lets through: (our own lines, those of libraries). A library's DEBUG lines hold task data.
_LEVELS: Final = {
    "development": (logging.DEBUG, logging.INFO),
    "staging": (logging.INFO, logging.WARNING),
    "production": (NOTICE, logging.WARNING),
}
_EVENTS: Final = logging.getLogger("throughline")


class JsonLine(OrjsonFormatter):
    """Formats a record as one JSON object; an event's own fields come last and may be read as they were given."""

    def __init__(self, service: str, node: str) -> None:
        super().__init__()
        self._origin = {"service.name": service, "service.node.name": node}

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        log_data["@timestamp"] = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        # By its number: billiard gives the same one a name of its own, when a pool's process is lost for one.
        log_data["log.level"] = "notice" if record.levelno == NOTICE else record.levelname.lower()
        log_data["message"] = record.getMessage()
        log_data.update(self._origin)
        log_data["process.pid"] = record.process
        if correlation_id := correlation.current():
            log_data["correlation_id"] = correlation_id
        if task_id := correlation.current_task():
            log_data["task_id"] = task_id
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            log_data["trace.id"] = f"{span.trace_id:032x}"
            log_data["span.id"] = f"{span.span_id:016x}"
        fields = getattr(record, "event_fields", None)
        if fields is None:
            log_data["log.logger"] = record.name
        else:
            log_data.update(fields)
        if record.exc_info:
            log_data.update(_error_fields(record.exc_info[1], message_dict.get("exc_info", "")))


def event(action: str, message: str, fields: Mapping[str, Any] | None = None, *, exc_info: bool = False) -> None:
    """Logs an event of the vocabulary at the level that the vocabulary gives it; `KeyError` for any other.

    `ValueError` for an event of a task without the task's correlation ID, at every level: the one search would miss it.
    """
    level = _level_of(action)
    if action.startswith("task.") and not correlation.is_valid(
        (fields or {}).get("correlation_id") or correlation.current()
    ):
        raise ValueError(f"{action} has no correlation ID: write it inside `with correlation.bound(…)`")
    if _EVENTS.isEnabledFor(level):
        own = {"event.action": action, **(fields or {})}
        _EVENTS.log(level, "%s", message, extra={"event_fields": own}, exc_info=exc_info)


@cache
def _level_of(action: str) -> int:
    return logging.getLevelNamesMapping()[vocabulary.event_levels()[action].upper()]


def setup(service: str, settings: ProcessSettings) -> None:
    """Sends every line of this process to stdout as JSON, those of its libraries and its last traceback included."""
    own_level, library_level = _LEVELS[settings.environment]
    vocabulary.event_levels()  # read now, not inside the first request
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLine(service, node_name(service, settings)))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(library_level)
    _EVENTS.setLevel(own_level)
    for name in list(logging.root.manager.loggerDict):
        library = logging.getLogger(name)
        if library.handlers:  # uvicorn gives its loggers handlers of their own, which do not write JSON
            library.handlers = []
            library.propagate = True
    logging.captureWarnings(True)
    sys.excepthook = _log_last_words


def say(message: str) -> None:
    """Writes a line from inside a signal handler, which may have interrupted a write to the stream's buffer."""
    handler = logging.getLogger().handlers[0]
    record = logging.makeLogRecord({"name": "throughline.process", "levelname": "INFO", "msg": message})
    os.write(1, (handler.format(record) + "\n").encode())


def node_name(service: str, settings: ProcessSettings) -> str:
    """Which instance of the service this is."""
    return settings.service_node_name or f"{service}-{os.uname().nodename}"


def _error_fields(error: BaseException | None, stack_trace: str) -> dict[str, str]:
    return {
        "error.type": type(error).__name__,
        "error.message": str(error),
        "error.stack_trace": stack_trace,
    }


def _log_last_words(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("throughline.process").critical(
        "The process ends on an error that nothing caught", exc_info=(kind, error, traceback)
    )
