"""A task's events: server-sent events parsed, repeated ones left out, and when to connect again."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from throughline.client import requests
from throughline.client.address import checked_seconds
from throughline.client.calls import Limits, failure, pause_after
from throughline.client.errors import ResultTimeout
from throughline.client.exchange import Answer, Lost, Request
from throughline.client.patience import Patience
from throughline.ledger.states import Status

_SILENCE_SECONDS: Final = 30.0  # the API sends a heartbeat every 10
_LONGEST_EVENT_BYTES: Final = 32 * 1024 * 1024


@dataclass(frozen=True)
class TaskEvent:
    """The task's state changed, or a running task came further (`progress`). `task` is all the API told of it."""

    kind: Literal["state", "progress"]
    status: Status
    progress: dict[str, Any] | None
    task: dict[str, Any]


class BrokenStream(ValueError):
    """What came is no stream of events."""


class EventLines:
    """Splits a stream of bytes into the data of its events (WHATWG HTML, § 9.2)."""

    def __init__(self) -> None:
        self._begun = b""
        self._data: list[bytes] = []

    def take(self, chunk: bytes) -> Iterator[bytes]:
        """The data of each event that this chunk completes."""
        text = self._begun + chunk
        # A line ends at \n, \r or both: the \n of a pair may be in the next chunk. Other separators (U+2028) are data.
        held = b"\r" if text.endswith(b"\r") else b""
        text = text[: len(text) - len(held)]
        *lines, rest = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._begun = rest + held
        if len(self._begun) > _LONGEST_EVENT_BYTES:
            raise BrokenStream("an event without an end")
        for line in lines:
            if not line:
                if self._data:
                    yield b"\n".join(self._data)
                self._data = []
            elif line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))


class Following:
    """Follows one task over as many connections as needed; knows what was reported already and when to give up."""

    def __init__(self, task_id: str, seconds: float | None, limits: Limits) -> None:
        if seconds is not None:
            checked_seconds("timeout", seconds)
        self.request: Request = requests.look(task_id, "/events")
        self.ended = False
        self._task_id = task_id
        self._limits = limits
        self._patience = Patience(limits.deadline, limits.clock)
        self._whole = None if seconds is None else Patience(seconds, limits.clock)
        self._seconds = seconds
        self._told: dict[str, Any] = {}
        self._lines = EventLines()
        self._alive = False  # whether anything came on this connection

    def connecting(self) -> float:
        """The longest silence on the next connection, in seconds; raises `ResultTimeout` when the time is up."""
        self._lines, self._alive = EventLines(), False
        return min(_SILENCE_SECONDS, self._left())

    def take(self, chunk: bytes) -> Iterator[TaskEvent]:
        """The news in what came; raises `BrokenStream`, or `ResultTimeout` when the time is up."""
        for data in self._lines.take(chunk):
            if news := self._news(data):
                yield news
                if self.ended:
                    return
        self._alive = True
        self._left()

    def pause_after(self, outcome: Answer | Lost) -> float:
        """Seconds until the next connection; raises what the following ends with when there is none.

        The deadline runs while nothing comes: a task may be quiet for longer than that.
        """
        if self._alive:
            self._patience.renewed(self._limits.deadline)
        pause = pause_after(outcome, self._patience)
        if pause is None:
            raise failure(outcome, self.request)
        return min(pause, self._left())

    def _left(self) -> float:
        """Seconds until `timeout`, if there is one."""
        if self._whole is None:
            return math.inf
        if not self._whole.left():
            assert self._seconds is not None
            raise ResultTimeout(self._task_id, str(self._told.get("status", "")), self._seconds)
        return self._whole.left()

    def _news(self, data: bytes) -> TaskEvent | None:
        """What was not told yet: each new connection begins with the state as it is."""
        try:
            task = json.loads(data)
            status = Status(task["status"])
        except (ValueError, TypeError, KeyError) as error:
            raise BrokenStream(f"an event that is no task ({type(error).__name__})") from None
        if task == self._told:
            return None
        kind: Literal["state", "progress"] = "progress" if status == self._told.get("status") else "state"
        self._told, self.ended = task, status.is_final
        self._patience.succeeded()
        return TaskEvent(kind, status, task.get("progress"), task)
