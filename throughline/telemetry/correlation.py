"""The correlation ID: what is a valid one, and the one (and the task) that the current work belongs to."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from throughline.telemetry import random_ids

# Kept in step with nginx/throughline.conf.template. No quote, no newline, nothing that a URL or a log line would
# have to escape: whoever sends an ID must not be able to forge a line or break a link.
PATTERN: Final = r"[A-Za-z0-9._:-]{1,128}"
_VALID = re.compile(PATTERN, re.ASCII)

_correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")
_task_id: ContextVar[str] = ContextVar("task_id", default="")


def is_valid(correlation_id: object) -> bool:
    return isinstance(correlation_id, str) and _VALID.fullmatch(correlation_id) is not None


def keep_or_make(candidate: object) -> str:
    """The candidate if it is a valid ID, else a new one of 32 hex digits."""
    return candidate if isinstance(candidate, str) and is_valid(candidate) else random_ids.uuid4_hex()


def current() -> str:
    """The correlation ID of the current work; empty outside of any."""
    return _correlation_id.get()


def current_task() -> str:
    """The task that the current work is about; empty when there is none (yet)."""
    return _task_id.get()


def bind_task(task_id: str) -> None:
    """From here on, log lines and new spans of the current work name this task."""
    _task_id.set(task_id)


@contextmanager
def bound(correlation_id: str, task_id: str = "") -> Iterator[None]:
    """Log lines and spans inside the block carry these two."""
    correlation_token = _correlation_id.set(correlation_id)
    task_token = _task_id.set(task_id)
    try:
        yield
    finally:
        _task_id.reset(task_token)
        _correlation_id.reset(correlation_token)
