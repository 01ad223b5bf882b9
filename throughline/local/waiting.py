"""Waits until processes are healthy, or says which one is not and what its last log line was."""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from rich.console import Console

from throughline.local.display import Progress
from throughline.local.health import Health, check
from throughline.local.run import CannotRun, Run
from throughline.local.supervisor import Process, Supervisor

_DEADLINE_SECONDS: Final = 120  # of a machine with two busy cores
_STARTS_BEFORE_GIVING_UP: Final = 3
_POLL_SECONDS: Final = 0.1
_WAITS_PER_LOOK: Final = 9  # times as long as the look took: on busy cores, what starts needs them
_LAST_LINES: Final = 8


def until_healthy(run: Run, names: Iterable[str], console: Console) -> None:
    """Returns when the named processes are healthy; `CannotRun` after two minutes or when one keeps crashing."""
    supervisor, began = Supervisor(run.socket), time.time()
    rows = {name: Health(name, run.ports.get(name), None, "not asked yet") for name in names}
    starts: defaultdict[str, set[int]] = defaultdict(set)
    with Progress(console) as progress:
        while pending := [name for name, row in rows.items() if not row.ok]:
            looked = time.monotonic()
            processes = supervisor.processes()
            rows |= {name: Health(name, run.ports.get(name), processes[name].pid, "not asked yet") for name in pending}
            rows |= {row.name: row for row in check(run, processes, _askable(run, pending))}
            progress.update(list(rows.values()))
            if time.time() > began + _DEADLINE_SECONDS or _given_up(processes, pending, starts):
                break
            time.sleep(max(_POLL_SECONDS, _WAITS_PER_LOOK * (time.monotonic() - looked)))
    if pending:
        raise CannotRun("\n".join(_complaint(run, [rows[name] for name in pending], began)))


def _askable(run: Run, pending: list[str]) -> list[str]:
    """NGINX comes last: asked before its replicas answer, it marks them as failed and leaves them out for seconds."""
    return [name for name in pending if name != "nginx" or not set(run.replicas) & set(pending)]


def _given_up(processes: dict[str, Process], names: list[str], starts: defaultdict[str, set[int]]) -> bool:
    """A program that ends each time as soon as it has started will not be healthy in two minutes either."""
    for name in names:
        if processes[name].state in {"BACKOFF", "FATAL"}:
            starts[name].add(processes[name].started)
    return any(len(times) >= _STARTS_BEFORE_GIVING_UP for times in starts.values())


def _complaint(run: Run, rows: list[Health], since: float) -> Iterator[str]:
    for row in rows:
        yield f"{row.name} is not healthy: {row.word}."
        for log in sorted((run.folder / "log").glob(f"{row.name}.*")):
            yield from _last_words(log, since)
    yield "What runs was left running; `make down` ends it."


def _last_words(log: Path, since: float) -> list[str]:
    if log.stat().st_mtime < since or not log.stat().st_size:
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        lines = file.read().decode(errors="replace").splitlines()[-_LAST_LINES:]
    return [f"  last lines of {log}:", *(f"    {_readable(line)}" for line in lines)]


def _readable(line: str) -> str:
    try:
        fields = json.loads(line)
    except ValueError:
        return line
    if not isinstance(fields, dict):
        return line
    return " ".join(str(fields[name]) for name in ("@timestamp", "message", "error.message") if name in fields)
