"""Where the processor time of this process goes: its main thread's stack, looked at every few milliseconds."""

import signal
import sysconfig
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

_EVERY_SECONDS: Final = 0.001  # Linux rounds it up to its own tick, mostly 4 ms
_MOST_LINES: Final = 45
_HERE: Final = f"{Path(__file__).resolve().parents[2]}/"
_PACKAGES: Final = f"{sysconfig.get_path('purelib')}/"
_LIBRARY: Final = f"{sysconfig.get_path('stdlib')}/"


class StackSamples:
    """`with samples.taken(): …`, then `samples.table(requests)`.

    Sampled by a signal, since cProfile charges each call so much that small functions look expensive.
    """

    def __init__(self) -> None:
        self._own: Counter[str] = Counter()
        self._inclusive: Counter[str] = Counter()
        self._seen = 0.0
        self._main_seconds = 0.0
        self._all_seconds = 0.0

    @contextmanager
    def taken(self) -> Iterator[None]:
        main, everything = time.thread_time(), time.process_time()
        self._seen = main
        before = signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, _EVERY_SECONDS, _EVERY_SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)
            self._main_seconds += time.thread_time() - main
            self._all_seconds += time.process_time() - everything

    def _look(self, _: int, frame: FrameType | None) -> None:
        """Weighed by what the main thread has used since the last look: the timer counts other threads' time too."""
        now = time.thread_time()
        microseconds = round((now - self._seen) * 1e6)
        self._seen = now
        if frame is None:
            return
        self._own[f"{_name(frame)}:{frame.f_lineno}"] += microseconds
        names = set()
        at: FrameType | None = frame
        while at is not None:
            names.add(_name(at))
            at = at.f_back
        for name in names:
            self._inclusive[name] += microseconds

    def table(self, requests: int) -> str:
        """Microseconds a request: of each function with what it calls, and of each line alone."""
        scale = self._main_seconds / max(1, sum(self._own.values())) * 1e6 / requests
        rest = (self._all_seconds - self._main_seconds) / requests * 1e6
        main = self._main_seconds / requests * 1e6
        lines = [f"µs a request: {main:.0f} in the main thread, {rest:.0f} in others", "", "with what it calls"]
        lines += [f"{cost * scale:7.1f}  {name}" for name, cost in self._inclusive.most_common(_MOST_LINES)]
        lines += ["", "the line alone"]
        lines += [f"{cost * scale:7.1f}  {name}" for name, cost in self._own.most_common(_MOST_LINES)]
        return "\n".join([*lines, ""])


def _name(frame: FrameType) -> str:
    code = frame.f_code
    file = code.co_filename.removeprefix(_PACKAGES).removeprefix(_HERE).removeprefix(_LIBRARY)
    return f"{code.co_qualname} ({file})"
