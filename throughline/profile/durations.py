"""Durations of steps, collected one by one, and their exact percentiles."""

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import floor

from throughline.profile.profile import Figures
from throughline.profile.step import Key


class Durations:
    """Eight bytes for each step: a million of them are 8 MB."""

    def __init__(self) -> None:
        self._by_key: defaultdict[Key, array[int]] = defaultdict(lambda: array("q"))

    def add(self, key: Key, duration_ns: int) -> None:
        self._by_key[key].append(duration_ns)

    def figures(self) -> Mapping[Key, Figures]:
        return {key: figures_of(durations) for key, durations in self._by_key.items()}


def figures_of(durations: Sequence[int]) -> Figures:
    """At least one duration."""
    ordered = sorted(durations)
    p50, p95, p99 = (percentile(ordered, percent) for percent in (50, 95, 99))
    return Figures(len(ordered), p50, p95, p99, sum(ordered))


def percentile(ordered: Sequence[int], percent: float) -> int:
    """Between the two nearest, in proportion, as numpy does it."""
    position = (len(ordered) - 1) * percent / 100
    below = floor(position)
    above = min(below + 1, len(ordered) - 1)
    return round(ordered[below] + (ordered[above] - ordered[below]) * (position - below))
