"""What a log line says: when, who, for whom and what, the same for events and for the lines of libraries."""

import logging
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import orjson
from opentelemetry import trace
from pythonjsonlogger.orjson import OrjsonFormatter, orjson_default

from throughline.ledger import redis_clock
from throughline.telemetry import correlation
from throughline.telemetry.odd_json import odd_json

NOTICE: Final = 25


class EventRecord(logging.LogRecord):
    """An event for handlers that others have added."""

    def __init__(self, logger: str, level: int, message: str, fields: Mapping[str, Any]) -> None:
        super().__init__(logger, level, "", 0, message, None, None)
        self.event_fields = fields


class JsonLine(OrjsonFormatter):
    """Formats a record as one JSON object; an event's own fields come last and may be read as they were given."""

    def __init__(self, service: str, node: str, version: str) -> None:
        super().__init__()
        self._service = service
        self._node = node
        self._version = version

    def of_event(self, level: int, message: str, fields: Mapping[str, Any]) -> bytes:
        """The same for an event that is no record: to make one and take it through a formatter costs as much again."""
        line = self._begun(time.time(), level, logging.getLevelName(level), message, os.getpid())
        line.update(fields)
        try:
            return orjson.dumps(line, orjson_default)
        except TypeError:
            return odd_json(line)

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        log_data.update(
            self._begun(record.created, record.levelno, record.levelname, record.getMessage(), record.process)
        )
        if isinstance(record, EventRecord):
            log_data.update(record.event_fields)
        else:
            log_data["log.logger"] = record.name
        if record.exc_info:
            log_data.update(_error_fields(record.exc_info[1], message_dict.get("exc_info", "")))

    def _begun(self, created: float, level: int, level_name: str, message: str, process: int | None) -> dict[str, Any]:
        line: dict[str, Any] = {
            "@timestamp": timestamp(created),
            # By its number: billiard gives the same one a name of its own, when a pool's process is lost for one.
            "log.level": "notice" if level == NOTICE else level_name.lower(),
            "message": message,
            "service.name": self._service,
            "service.node.name": self._node,
            "service.version": self._version,
            "process.pid": process,
        }
        if redis_clock.own.ahead:
            line["clock_offset_ms"] = redis_clock.own.ahead_ms
        if correlation_id := correlation.current():
            line["correlation_id"] = correlation_id
        if task_id := correlation.current_task():
            line["task_id"] = task_id
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            line["trace.id"] = f"{span.trace_id:032x}"
            line["span.id"] = f"{span.span_id:016x}"
            if not span.trace_flags.sampled:
                line["trace.sampled"] = False
        return line

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        try:
            return super().jsonify_log_record(log_data)
        except TypeError:
            return odd_json(log_data).decode()


def timestamp(seconds: float) -> str:
    """A moment as lines have it: also for an event that happened before its line is written."""
    second, microsecond = divmod(round(seconds * 1_000_000), 1_000_000)
    return f"{_second(second)}.{microsecond:06}Z"


@lru_cache(maxsize=1)
def _second(since_1970: int) -> str:
    return datetime.fromtimestamp(since_1970, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _error_fields(error: BaseException | None, stack_trace: str) -> dict[str, str]:
    return {
        "error.type": type(error).__name__,
        "error.message": str(error),
        "error.stack_trace": stack_trace,
    }
