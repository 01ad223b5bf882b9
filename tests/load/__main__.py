"""`make load`: RATE requests a second for DURATION seconds, TASKS=200000, or PROFILE=overload.

WEB=8089 shows Locust's own page.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.load import volume
from tests.load.run import OVERLOAD, STEADY, Outcome, put_load
from tests.system.nine import ROOT, Nine

_REPORTS: Final = ROOT / "var" / "load"
_WARM_UP_SECONDS: Final = 30
_WINDOW_SECONDS: Final = 60.0
_FLAT: Final = 1.05  # the last minute's mean memory against the first's; 5 % is what a collector's rhythm moves


def main() -> int:
    profile = os.environ.get("PROFILE", "steady")
    if profile not in {"steady", "overload"}:
        print(f"PROFILE={profile} is none; take steady or overload", file=sys.stderr)
        return 2
    if tasks := int(os.environ.get("TASKS", "0")):
        return _volume(tasks)
    with tempfile.TemporaryDirectory() as folder, Nine(Path(folder) / "var") as nine:
        found = _steady(nine) if profile == "steady" else _overload(nine)
    _print(found)
    wrong = _wrong(found, profile)
    for each in wrong:
        print(f"✗ {each}")
    print(f"report: {found.report.relative_to(ROOT)}")
    return 1 if wrong else 0


def _volume(tasks: int) -> int:
    with tempfile.TemporaryDirectory() as folder, Nine(Path(folder) / "var") as nine:
        print(f"{tasks} tasks through {nine.base_url}, as fast as they are run")
        found = volume.run(nine, tasks)
    print(f"{found.tasks} tasks in {found.seconds:.0f} s, {found.tasks / found.seconds:.0f} a second")
    print(f"Redis: {found.redis_most:.1f} MB at most, {found.redis_at_end:.1f} MB at the end")
    print("disk, MB: " + ", ".join(f"{name} {size:.1f}" for name, size in found.disk.items()))
    print(f"listed: {found.listed}; results compared: {found.compared}")
    if found.refused:
        print("sent again after: " + ", ".join(f"{code} {count}" for code, count in found.refused.items()))
    for each in found.wrong:
        print(f"✗ {each}")
    return 1 if found.wrong else 0


def _steady(nine: Nine) -> Outcome:
    rate, seconds = int(os.environ.get("RATE", "100")), int(os.environ.get("DURATION", "300"))
    web = int(os.environ.get("WEB", "0"))
    print(f"{rate} requests a second for {seconds} s through {nine.base_url}, after {_WARM_UP_SECONDS} s to warm up")
    with tempfile.TemporaryDirectory() as unread:
        put_load(nine, STEADY, Path(unread), rate=rate, seconds=_WARM_UP_SECONDS, window=_WINDOW_SECONDS)
    window = min(_WINDOW_SECONDS, seconds / 4)
    return put_load(nine, STEADY, _REPORTS, rate=rate, seconds=seconds, window=window, web_port=web)


def _overload(nine: Nine) -> Outcome:
    print(f"more than the workers can do through {nine.base_url}, until the breaker opens; then until it closes")
    return put_load(nine, OVERLOAD, _REPORTS, window=_WINDOW_SECONDS / 4)


def _wrong(found: Outcome, profile: str) -> list[str]:
    wrong = list(found.failures)
    wrong += [f"{count} tasks ended as {status}" for status, count in found.statuses.items() if status != "SUCCESS"]
    if profile == "overload" and not {"circuit.opened", "circuit.closed"} <= set(found.circuit):
        wrong.append(f"the breaker did not open and close: {found.circuit}")
    if profile == "steady":
        wrong += [
            f"{name} grew from {first:.0f} to {last:.0f} MiB"
            for name, (first, last) in found.memory.items()
            if last > _FLAT * first and name != "redis"  # which keeps what has ended for the hot time
        ]
    return wrong


def _print(found: Outcome) -> None:
    print(f"\n{'':<12}{'count':>8}{'failed':>8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}")
    for row in found.rows.values():
        print(f"{row.name:<12}{row.count:>8}{row.failures:>8}{row.p50:>9.0f}{row.p95:>9.0f}{row.p99:>9.0f}")
    print(f"\n{'memory, MiB':<12}{'first':>8}{'last':>8}")
    for name, (first, last) in found.memory.items():
        print(f"{name:<12}{first:>8.0f}{last:>8.0f}")
    print("\n" + ", ".join(f"{count} tasks {status}" for status, count in found.statuses.items()))
    if found.circuit:
        print("circuit breaker: " + ", ".join(each.removeprefix("circuit.") for each in found.circuit))


if __name__ == "__main__":
    sys.exit(main())
