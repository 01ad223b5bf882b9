"""Times `throughline profile` on a million spans, beside grep, which only counts their lines; and its smaller looks."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

TASKS: Final = 100_000  # of ten spans each, at a hundred a second
RUNS: Final = 3
PHASES: Final = ("validate", "correlate", "simulate", "quantile", "contributions")
TYPES: Final = ("calculate_var", "price_options", "word_count")
BEGIN: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
_BATCHES: Final = {"fastapi": 4, "worker": 3}  # tasks whose spans are in one line


def main() -> None:
    if not (grep := shutil.which("grep")):
        sys.exit("grep is not installed: it is the floor that this is measured against")
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder)
        size = _write(var)
        floor = [grep, "-c", '"key":"task_type"', *map(str, sorted((var / "spans").iterdir()))]
        command = [str(Path(sys.executable).with_name("throughline")), "profile", "--until", "2026-11-25"]
        last_minute = (BEGIN + timedelta(seconds=TASKS // 100 - 60)).isoformat()
        whole, minute = [*command, "--since", BEGIN.isoformat()], [*command, "--since", last_minute]
        rows = [(_seconds(whole, var), _seconds(minute, var), _seconds(floor, var)) for _ in range(RUNS)]
    all_of_it, one_minute, theirs = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"{TASKS * 10:,} spans, {size / 1e6:.0f} MB, {RUNS} runs, medians of whole processes")
    print(f"throughline profile      {all_of_it:.2f} s, {TASKS * 10 / all_of_it / 1000:,.0f} thousand spans a second")
    print(f"the last of 17 minutes   {one_minute:.2f} s")
    print(f"grep -c                  {theirs:.2f} s\nratio                    {all_of_it / theirs:.0f}")


def _write(var: Path) -> int:
    """Spans as NGINX, three replicas and three workers write them."""
    folder = var / "spans"
    folder.mkdir()
    with ExitStack() as opened:

        def file(name: str) -> BinaryIO:
            return opened.enter_context((folder / f"{name}.jsonl").open("wb"))

        nginx, replicas = file("nginx"), [file(f"fastapi-{number}") for number in (1, 2, 3)]
        workers = [file(f"worker-{number}") for number in (1, 2, 3)]
        for number in range(TASKS):
            nginx.write(_line("nginx", _of_nginx(number)))
        for role, files, spans in (("fastapi", replicas, _of_api), ("worker", workers, _of_worker)):
            _write_batches(role, files, spans)
    return sum(path.stat().st_size for path in folder.iterdir())


def _write_batches(role: str, files: list[BinaryIO], spans: Callable[[int], list[dict[str, Any]]]) -> None:
    service = "api" if role == "fastapi" else role
    for index, first in enumerate(range(0, TASKS, _BATCHES[role])):
        batch = [span for number in range(first, min(first + _BATCHES[role], TASKS)) for span in spans(number)]
        files[index % len(files)].write(_line(service, batch))


def _of_nginx(number: int) -> list[dict[str, Any]]:
    end = {"request_time": "0.006", "http.request.method": "POST", "url.path": "/api/v1/tasks"}
    return [_span(number, 0, "nginx", 2, (6, 6), **end)]


def _of_api(number: int) -> list[dict[str, Any]]:
    position = {"queue": "high", "queue_position": 1}
    answered = {"http.request.method": "POST", "url.path": "/api/v1/tasks", "http.response.status_code": 201}
    return [
        _span(number, 2, "publish high", 4, (2, 4), **position),
        _span(number, 1, "api", 2, (1, 5), **answered),
    ]


def _of_worker(number: int) -> list[dict[str, Any]]:
    waited, ran = 5 + number * 7919 % 40, 20 + number * 104729 % 60  # no two alike for long
    start = 4 + waited
    phases = [
        _span(number, 5 + index, name, 1, (start + index * ran / 5, start + (index + 1) * ran / 5), phase=True)
        for index, name in enumerate(PHASES)
    ]
    wait = _span(number, 3, "wait high", 1, (4, start), queue="high", attempt=1)
    run = _span(number, 4, f"run {_type(number)}", 5, (start, start + ran), attempt=1, status="SUCCESS")
    return [wait, *phases, run]


def _span(number: int, place: int, name: str, kind: int, at_ms: tuple[float, float], **own: Any) -> dict[str, Any]:
    start_ns = int(BEGIN.timestamp()) * 10**9 + number * 10**7
    start, end = (str(start_ns + int(each * 10**6)) for each in at_ms)
    ids = {"correlation_id": f"{number:032x}", "task_id": f"{number:08x}-0000-4000-8000-000000000000"}
    return {
        "traceId": f"{number:032x}",
        "spanId": f"{number:012x}{place:04x}",
        "parentSpanId": f"{number:012x}{max(0, place - 1):04x}",
        "flags": 768,
        "name": name,
        "kind": kind,
        "startTimeUnixNano": start,
        "endTimeUnixNano": end,
        "attributes": list(_attributes(ids | own | {"task_type": _type(number)})),
        "status": {},
    }


def _type(number: int) -> str:
    return TYPES[number % len(TYPES)]


def _attributes(values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key, value in values.items():
        kind = "boolValue" if value is True else "intValue" if isinstance(value, int) else "stringValue"
        yield {"key": key, "value": {kind: value if value is True else str(value)}}


def _line(service: str, spans: list[dict[str, Any]]) -> bytes:
    resource = {"attributes": list(_attributes({"service.name": service, "service.instance.id": service}))}
    scope = {"scope": {"name": "throughline"}, "spans": spans}
    return orjson.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]}) + b"\n"


def _seconds(command: list[str], var: Path) -> float:
    own = {name: value for name, value in os.environ.items() if name != "ELASTICSEARCH_URL"} | {"VAR_DIR": str(var)}
    began = time.perf_counter()
    done = subprocess.run(command, env=own, capture_output=True, timeout=120, check=True)
    seconds = time.perf_counter() - began
    assert done.stdout.count(b"\n") >= 6, "all types or files are there"
    return seconds


if __name__ == "__main__":
    main()
