"""Ctrl-C and SIGTERM end a run between two steps, never within one."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(Exception):
    """`number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Signals:
    """While a block of `held` runs, a signal waits for its end."""

    def __init__(self) -> None:
        self._held = 0
        self._arrived = 0

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._arrive)

    @contextmanager
    def held(self) -> Iterator[None]:
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self._arrived and not self._held:
            number, self._arrived = self._arrived, 0
            raise Interrupted(number)

    def _arrive(self, number: int, _: FrameType | None) -> None:
        if self._held:
            self._arrived = number
        else:
            raise Interrupted(number)
