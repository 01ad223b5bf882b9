"""A log line in the words of the journey."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from throughline.journey.event_marks import describe_event
from throughline.journey.one_clock import told_by_redis
from throughline.journey.quantities import format_duration


@dataclass(frozen=True, slots=True)
class ToldLine:
    """What terminal and page show of a line, in their own ways."""

    at_ns: int  # by Redis's clock, where the line says how far its host's is off; 0 for one whose time cannot be read
    service: str
    node: str
    level: str
    words: str
    took: str
    error: str
    correlation_id: str
    task_id: str

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.at_ns // 1000 / 1e6, UTC)

    @property
    def clock(self) -> str:
        """`14:45:12.173`, UTC."""
        return f"{self.at:%H:%M:%S}.{self.at.microsecond // 1000:03}"


def told_line(fields: Mapping[str, Any]) -> ToldLine:
    words, error = _words(fields), str(fields.get("error.type") or "")
    said = str(fields.get("error.message") or "").strip().partition("\n")[0]
    if error and f": {error}" in words:
        error = ""  # the words say so already
    took = fields.get("duration_ms")
    return ToldLine(
        at_ns=max(told_by_redis(fields).at_ns or 0, 0),
        service=str(fields.get("service.name") or ""),
        node=str(fields.get("service.node.name") or ""),
        level=str(fields.get("log.level") or ""),
        words=words,
        took=format_duration(round(took * 1e6)) if isinstance(took, int | float) else "",
        error=": ".join(filter(None, (error, said))),
        correlation_id=str(fields.get("correlation_id") or ""),
        task_id=str(fields.get("task_id") or ""),
    )


def _words(fields: Mapping[str, Any]) -> str:
    action = str(fields.get("event.action") or "")
    if action == "request.completed":
        method, path = fields.get("http.request.method"), fields.get("url.path")
        return f"{method} {path} → {fields.get('http.response.status_code') or 'no answer'}"
    words = describe_event(fields)
    task_type = str(fields.get("task_type") or "")
    told_already = not action.startswith("task.") or not task_type or task_type in words
    return words if told_already else f"{task_type}: {words}"
