"""Spans that two processes may have written: that of a killed process, and whoever found it gone."""

from array import array
from typing import Final

from throughline.profile.durations import Durations
from throughline.profile.step import Key, Step

_EITHER: Final = {Step.WAIT, Step.WAIT_AGAIN, Step.RUN}


class WrittenAgain:
    """Each counts once. Eight bytes for each span that might have been written again."""

    def __init__(self, durations: Durations) -> None:
        self._durations = durations
        self._own: array[int] = array("Q")
        self._again: dict[int, tuple[Key, int]] = {}

    def add(self, span_id: str, key: Key, duration_ns: int, *, by_another: bool) -> None:
        """`by_another`: written for the process in which it was."""
        if key.step not in _EITHER:
            self._durations.add(key, duration_ns)
        elif by_another:
            self._again[int(span_id, 16)] = (key, duration_ns)
        else:
            self._own.append(int(span_id, 16))
            self._durations.add(key, duration_ns)

    def end(self) -> None:
        """All has been read: what only another process wrote counts too."""
        missing = self._again.keys() - {each for each in self._own if each in self._again}
        for span_id in missing:
            self._durations.add(*self._again[span_id])
