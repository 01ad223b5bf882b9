"""The memory of each of the nine while load lasts: is it flat?"""

import threading
import time
from statistics import fmean
from typing import Final

import psutil

from tests.system.nine import Nine

_EVERY_SECONDS: Final = 1.0


class Memory:
    """Samples resident memory, children included, from the first on to the end of the block."""

    def __init__(self, nine: Nine) -> None:
        self._nine = nine
        self._samples: list[tuple[float, dict[str, int]]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def first_and_last(self, seconds: float) -> dict[str, tuple[float, float]]:
        """Mean MiB of each process in the first and in the last `seconds` of the block."""
        begin, end = self._samples[0][0], self._samples[-1][0]
        first = [sizes for at, sizes in self._samples if at <= begin + seconds]
        last = [sizes for at, sizes in self._samples if at >= end - seconds]
        return {name: (_mean_mib(first, name), _mean_mib(last, name)) for name in self._samples[0][1]}

    def _sample(self) -> None:
        pids = {name: pid for name, pid in self._nine.pids().items() if pid is not None}
        while True:
            self._samples.append((time.monotonic(), {name: _resident(pid) for name, pid in pids.items()}))
            if self._ended.wait(_EVERY_SECONDS):
                return


def _mean_mib(samples: list[dict[str, int]], name: str) -> float:
    return fmean(sizes[name] for sizes in samples) / 2**20


def _resident(pid: int) -> int:
    total = 0
    root = psutil.Process(pid)
    for process in [root, *root.children(recursive=True)]:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:  # a worker's process that has just been replaced
            continue
    return total
