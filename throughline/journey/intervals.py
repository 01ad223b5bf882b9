"""Intervals of time, as (start, end) in nanoseconds: what they cover together, and what they leave out."""

from collections.abc import Iterable

Interval = tuple[int, int]


def covered_ns(intervals: Iterable[Interval]) -> int:
    """The length of their union: what two of them cover is counted once."""
    total, covered_until = 0, None
    for start, end in sorted(intervals):
        if covered_until is None or start > covered_until:
            covered_until = start
        if end > covered_until:
            total += end - covered_until
            covered_until = end
    return total


def clipped(interval: Interval, frame: Interval) -> Interval:
    """The part of the interval inside the frame; empty (start = end) when there is none."""
    start = min(max(interval[0], frame[0]), frame[1])
    return start, min(max(interval[1], start), frame[1])


def uncovered(frame: Interval, intervals: Iterable[Interval]) -> list[Interval]:
    """The parts of the frame that none of the others covers, in order."""
    found, reached = [], frame[0]
    for start, end in sorted(clipped(interval, frame) for interval in intervals):
        if start > reached:
            found.append((reached, start))
        reached = max(reached, end)
    return [*found, (reached, frame[1])] if reached < frame[1] else found
