"""One load on nine processes of its own, and what came of it."""

import csv
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.load.memory import Memory
from tests.system.nine import ROOT, Nine
from throughline.client import Client
from throughline.ledger import keys

STEADY: Final = ROOT / "tests" / "load" / "steady.py"
OVERLOAD: Final = ROOT / "tests" / "load" / "overload.py"
REQUESTS_A_SECOND_OF_A_USER: Final = 2  # stands here: Locust, which users.py imports, patches the whole process
_SECONDS_TO_END: Final = 120.0
_MOST_SECONDS_OF_A_SHAPE: Final = 600.0


@dataclass(frozen=True)
class Row:
    """One kind of request, or of measure, as Locust counted it; times in milliseconds."""

    name: str
    count: int
    failures: int
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class Outcome:
    """`statuses`: how many task records there are in each status once the queues are empty."""

    rows: dict[str, Row]
    failures: list[str]
    memory: dict[str, tuple[float, float]]
    statuses: Counter[str]
    circuit: list[str]
    report: Path


def put_load(
    nine: Nine, profile: Path, folder: Path, *, rate: int = 0, seconds: int = 0, window: float, web_port: int = 0
) -> Outcome:
    """`rate` requests a second for so many `seconds`; zeros when the profile has a shape of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    files = folder / profile.stem
    command = [sys.executable, "-m", "locust", "-f", str(profile), "--html", f"{files}.html", "--csv", str(files)]
    command += ["--stop-timeout", "15", "--loglevel", "WARNING", "--exit-code-on-error", "0"]
    command += ["--autostart", "--web-host", "127.0.0.1", "--web-port", str(web_port)] if web_port else ["--headless"]
    command += ["--autoquit", "0"] if web_port else ["--only-summary"]
    if rate:
        users = max(1, rate // REQUESTS_A_SECOND_OF_A_USER)
        command += ["--users", str(users), "--spawn-rate", str(users), "--run-time", f"{seconds}s"]
    environment = os.environ | {"LOAD_URL": nine.base_url, "PYTHONPATH": str(ROOT)}
    with Memory(nine) as memory:
        ended = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds + _MOST_SECONDS_OF_A_SHAPE,
        )
    if ended.returncode != 0:
        raise RuntimeError(f"locust ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}")
    _wait_for_the_last_task(nine)
    return Outcome(
        {row.name: row for row in _rows(files.with_name(f"{files.name}_stats.csv"))},
        [f"{line['Name']}: {line['Error']}" for line in _lines(files.with_name(f"{files.name}_failures.csv"))],
        memory.first_and_last(window),
        _statuses(nine),
        _circuit_events(nine),
        files.with_suffix(".html"),
    )


def _rows(path: Path) -> Iterator[Row]:
    for line in _lines(path):
        yield Row(
            line["Name"],
            int(line["Request Count"]),
            int(line["Failure Count"]),
            *(float(line[share]) if line[share] != "N/A" else 0.0 for share in ("50%", "95%", "99%")),
        )


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _wait_for_the_last_task(nine: Nine) -> None:
    deadline = time.monotonic() + _SECONDS_TO_END
    with nine.redis() as client:
        while client.zcard(keys.OPEN) and time.monotonic() < deadline:
            time.sleep(0.2)


def _statuses(nine: Nine) -> Counter[str]:
    with Client(nine.base_url) as client:
        return Counter(str(task.listed["status"]) for task in client.tasks())


def _circuit_events(nine: Nine) -> list[str]:
    lines: list[dict[str, Any]] = [line for name in nine.recorded.replicas for line in nine.log_lines(name)]
    told = [line for line in lines if str(line.get("event.action", "")).startswith("circuit.")]
    return [str(line["event.action"]) for line in sorted(told, key=lambda line: str(line["@timestamp"]))]
