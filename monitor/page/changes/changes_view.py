"""What the page "What changed" shows: pure functions from what is known to what the template prints."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from monitor.page.changes.releases import Release, releases
from monitor.page.moments import in_words
from monitor.page.traffic import Answered, Traffic
from throughline.journey.quantities import format_count, format_duration
from throughline.ledger.counts import Counts, Durations
from throughline.ledger.deployments import Running, Versions
from throughline.ledger.states import Status

REFRESH_SECONDS: Final = 5
FEW: Final = 20  # runs or requests: one more failure would change the share by five percent and more
_MOST_RELEASES: Final = 20
_MOST_TYPES: Final = 10
ALL_TYPES: Final = "all"


@dataclass(frozen=True)
class RunningRow:
    """A version of a service that runs now."""

    service: str
    version: str
    instances: str
    since: str


@dataclass(frozen=True)
class ReleaseRow:
    """A release, and the tasks that were submitted since."""

    at: str
    ago: str
    services: str
    previous_version: str
    version: str
    tasks_url: str


@dataclass(frozen=True)
class RunsRow:
    """What one version ran of one task type, or of all."""

    task_type: str
    version: str
    runs: str
    failed: str
    retried: str
    p50: str
    p95: str
    few: bool


@dataclass(frozen=True)
class RequestsRow:
    """What replicas of one version answered; `version` is `none` where no replica did."""

    version: str
    answered: str
    failed: str
    few: bool


@dataclass(frozen=True)
class ChangesView:
    """The page."""

    running: tuple[RunningRow, ...]
    releases: tuple[ReleaseRow, ...]
    runs: tuple[RunsRow, ...]
    runs_within: str
    requests: tuple[RequestsRow, ...]
    requests_within: str
    troubles: tuple[str, ...] = ()
    few: int = FEW
    refresh_seconds: int = REFRESH_SECONDS


@dataclass(frozen=True)
class NowView:
    """The versions that run now in a few words, and the latest release; for the first page."""

    versions: tuple[tuple[str, str], ...]  # a version, and the services that run it
    latest: ReleaseRow | None


def changes_view(
    versions: Versions, runs: Counts | None, seen: Traffic | None, troubles: Iterable[str], now: float
) -> ChangesView:
    return ChangesView(
        running=tuple(map(_running, versions.running)),
        releases=tuple(_release(each, now) for each in releases(versions.deployments)[:_MOST_RELEASES]),
        runs=tuple(_runs(runs)) if runs else (),
        runs_within=_within(runs.seconds) if runs else "",
        requests=tuple(_requests(seen.by_version)) if seen else (),
        requests_within=_within(seen.seconds) if seen else "",
        troubles=tuple(troubles),
    )


def now_view(versions: Versions, now: float) -> NowView:
    services: dict[str, list[str]] = defaultdict(list)
    for each in versions.running:
        services[each.version].append(each.service)
    latest = releases(versions.deployments)[:1]
    return NowView(
        tuple((version, ", ".join(named)) for version, named in services.items()),
        _release(latest[0], now) if latest else None,
    )


def _running(each: Running) -> RunningRow:
    return RunningRow(each.service, each.version, f"{each.instances:,}", in_words(each.since))


def _release(each: Release, now: float) -> ReleaseRow:
    return ReleaseRow(
        at=in_words(each.at),
        ago=f"{_span(max(0.0, now - each.at))} ago",
        services=", ".join(each.services),
        previous_version=each.previous_version,
        version=each.version,
        tasks_url=f"/tasks?submitted_after={in_words(each.at).replace(' ', 'T')}Z",
    )


def _runs(runs: Counts) -> Iterator[RunsRow]:
    """All types together, unless there is one alone; then each that two versions ran, the most frequent first."""
    found: dict[str, dict[str, dict[Status, Durations]]] = defaultdict(lambda: defaultdict(dict))
    for key, durations in runs.ran.items():
        if durations.count:
            for name in (ALL_TYPES, key.task_type):
                of_version = found[name][key.version]
                of_version[key.status] = of_version.get(key.status, Durations()) + durations
    types = {name: each for name, each in found.items() if name != ALL_TYPES}
    compared = {name: each for name, each in types.items() if len(each) > 1 or len(types) == 1}
    by_count = sorted(compared, key=lambda name: -sum(_sum(each).count for each in compared[name].values()))
    for name in ([ALL_TYPES] if len(types) > 1 else []) + by_count[:_MOST_TYPES]:
        for version in sorted(found[name]):
            yield _runs_row(name, version, found[name][version])


def _runs_row(task_type: str, version: str, by_status: Mapping[Status, Durations]) -> RunsRow:
    every = _sum(by_status)
    failed, retried = (by_status.get(status, Durations()).count for status in (Status.FAILURE, Status.RETRY))
    return RunsRow(
        task_type=task_type,
        version=version or "not told",
        runs=f"{every.count:,}",
        failed=_share(failed, every.count),
        retried=_share(retried, every.count),
        p50=_seconds(every.quantile(0.5)),
        p95=_seconds(every.quantile(0.95)),
        few=every.count < FEW,
    )


def _sum(by_status: Mapping[Status, Durations]) -> Durations:
    return sum(by_status.values(), Durations())


def _requests(by_version: Mapping[str, Answered]) -> Iterator[RequestsRow]:
    for version, seen in sorted(by_version.items()):
        yield RequestsRow(version, f"{seen.answered:,}", _share(seen.failed, seen.answered), seen.answered < FEW)


def _share(part: int, whole: int) -> str:
    """With a decimal: versions differ by less than a percent."""
    return f"{part:,} ({100 * part / whole:.1f} %)" if part else "0"


def _seconds(seconds: float | None) -> str:
    return "–" if seconds is None else format_duration(round(seconds * 1e9))


def _span(seconds: float) -> str:
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            return format_count(int(seconds // size), unit)
    return format_count(int(seconds), "second")


def _within(seconds: float) -> str:
    return f"within the last {_span(max(1.0, seconds))}"
