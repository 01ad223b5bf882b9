"""What a log line says: when, who, for whom and what, the same for events and for the lines of libraries."""

import logging
import os
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from opentelemetry import trace
from pythonjsonlogger.orjson import OrjsonFormatter

from throughline.telemetry import correlation
from throughline.telemetry.odd_json import odd_json

NOTICE: Final = 25


# What other formatters (pytest's) may ask a record for.
_UNKNOWN: Final = vars(logging.LogRecord("", 0, "", 0, "", None, None)) | {"threadName": None, "processName": None}


class EventRecord(logging.LogRecord):
    """An event, without what no line says: LogRecord's own look-ups (file, thread, process name) cost 2 µs."""

    def __init__(self, logger: str, level: int, message: str, fields: dict[str, Any]) -> None:
        vars(self).update(_UNKNOWN)
        self.name = logger
        self.levelno = level
        self.levelname = logging.getLevelName(level)
        self.msg = message
        self.created = time.time()
        self.msecs = self.created % 1 * 1000
        self.process = os.getpid()
        self.event_fields = fields


class JsonLine(OrjsonFormatter):
    """Formats a record as one JSON object; an event's own fields come last and may be read as they were given."""

    def __init__(self, service: str, node: str) -> None:
        super().__init__()
        self._origin = {"service.name": service, "service.node.name": node}

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        second, microsecond = divmod(int(record.created * 1_000_000), 1_000_000)
        log_data["@timestamp"] = f"{_second(second)}.{microsecond:06}Z"
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
            if not span.trace_flags.sampled:
                log_data["trace.sampled"] = False
        if isinstance(record, EventRecord):
            log_data.update(record.event_fields)
        else:
            log_data["log.logger"] = record.name
        if record.exc_info:
            log_data.update(_error_fields(record.exc_info[1], message_dict.get("exc_info", "")))

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        try:
            return super().jsonify_log_record(log_data)
        except TypeError:
            return odd_json(log_data).decode()


@lru_cache(maxsize=1)
def _second(since_1970: int) -> str:
    return datetime.fromtimestamp(since_1970, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _error_fields(error: BaseException | None, stack_trace: str) -> dict[str, str]:
    return {
        "error.type": type(error).__name__,
        "error.message": str(error),
        "error.stack_trace": stack_trace,
    }
