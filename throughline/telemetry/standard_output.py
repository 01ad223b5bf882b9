"""Where log lines go: each with one system call, the moment it is written."""

import logging
import os
import select
import sys
from collections.abc import Mapping
from io import TextIOWrapper
from typing import Any, Final

from throughline.telemetry.log_line import EventRecord, JsonLine

FILE: Final = 1


class StandardOutput(logging.Handler):
    """Past `sys.stdout`, whose text, buffer and flush cost more than the line; a killed process loses no line."""

    def __init__(self, json_line: JsonLine) -> None:
        super().__init__()
        self._json_line = json_line
        self.setFormatter(json_line)
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)  # what a task prints stays in order with its lines

    def put_event(self, level: int, message: str, fields: Mapping[str, Any]) -> None:
        """As `emit` does with a record."""
        try:
            line = self._json_line.of_event(level, message, fields) + b"\n"
            self.acquire()
            try:
                write(line)
            finally:
                self.release()
        except Exception:
            self.handleError(EventRecord("throughline", level, message, fields))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            write((self.format(record) + "\n").encode())
        except Exception:  # a full disk, a closed pipe: what was being logged goes on
            self.handleError(record)


def write(line: bytes) -> None:
    """All of the line, also into a pipe that has room for a part of it, or none, at the moment."""
    while line:
        try:
            line = line[os.write(FILE, line) :]
        except BlockingIOError:
            select.select((), (FILE,), ())
