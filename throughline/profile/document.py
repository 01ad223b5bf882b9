"""A profile as JSON for scripts: its keys are a promise, times are ISO 8601, lengths milliseconds."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from throughline.profile.profile import Profile, StepProfile


def to_dict(profile: Profile) -> Mapping[str, Any]:
    """A `share` is of the type's `total_ms`: those of its steps add up to 1, those of phases are part of `run`'s."""
    return {
        "since": iso(profile.window.since),
        "until": iso(profile.window.until),
        "exact": profile.is_exact,
        "whole": profile.is_whole,
        "tasks": {"submitted": profile.sampling.submitted, "sampled": profile.sampling.sampled},
        "types": [
            {
                "task_type": each.task_type,
                "total_ms": _ms(each.whole_ns),
                "steps": [_step(step) for step in each.steps],
                "phases": [_step(phase) for phase in each.phases],
            }
            for each in profile.types
        ],
    }


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _step(step: StepProfile) -> dict[str, Any]:
    figures = step.figures
    return {
        "name": step.key.name,
        "count": figures.count,
        "p50_ms": _ms(figures.p50_ns),
        "p95_ms": _ms(figures.p95_ns),
        "p99_ms": _ms(figures.p99_ns),
        "total_ms": _ms(figures.total_ns),
        "share": round(step.share, 6),
    }


def _ms(nanoseconds: int) -> float:
    return round(nanoseconds / 1e6, 3)
