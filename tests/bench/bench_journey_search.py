"""Times `throughline journey` and its page on a million log lines, beside grep, which only finds them."""

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import orjson

from monitor.page.pages import Pages
from monitor.page.task_list import PageQuery
from throughline.settings import MonitorSettings

LINES: Final = 1_000_000
FILES: Final = 8
RUNS: Final = 7
ID: Final = "ULTIMATE-SUCCESS-123"


def main() -> None:
    if not (grep := shutil.which("grep")):
        sys.exit("grep is not installed: it is the floor that this is measured against")
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder)
        size = _write(var)
        journey = [str(Path(sys.executable).with_name("throughline")), "journey", ID, "--logs"]
        floor = [grep, "-h", "-F", f'"correlation_id":"{ID}"', *map(str, sorted((var / "log").iterdir()))]
        pairs = [(_seconds(journey, var), _seconds(floor, var)) for _ in range(RUNS + 1)][
            1:
        ]  # the first warms the cache
        pages = asyncio.run(_pages(var))
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{LINES:,} log lines, {size / 1e6:.0f} MB, {RUNS} runs, medians of whole processes")
    print(f"throughline journey  {ours:.3f} s\ngrep -F              {theirs:.3f} s\nratio                {ratio:.1f}")
    for name, (seconds, length) in pages.items():
        print(f"{name:<21}{seconds * 1000:.0f} ms, {length / 1000:.0f} kB of HTML")


async def _pages(var: Path) -> dict[str, tuple[float, int]]:
    """Each page made anew, without Redis, which adds one round trip; medians and sizes."""
    (var / "log" / "nginx.jsonl").write_bytes(b"".join(map(_access_line, range(5000))))  # more than is looked at
    timed: dict[str, Callable[[Pages], Awaitable[str]]] = {
        "page of the journey": lambda pages: pages.journey(ID, PageQuery(), "http://here", "t"),
        "home page": lambda pages: pages.home("http://here", "t"),
    }
    return {name: await _made(var, make) for name, make in timed.items()}


async def _made(var: Path, make: Callable[[Pages], Awaitable[str]]) -> tuple[float, int]:
    times, html = [], ""
    for _ in range(RUNS):
        pages = Pages(MonitorSettings(var_dir=var, redis_url="redis://127.0.0.1:1/0"))  # each has seen nothing yet
        began = time.perf_counter()
        html = await make(pages)
        times.append(time.perf_counter() - began)
        await pages.data.close()
    return statistics.median(times), len(html.encode())


def _access_line(number: int) -> bytes:
    line = {
        "@timestamp": f"2026-11-24T12:{number // 60 % 60:02}:{number % 60:02}.123+00:00",
        "service.name": "nginx",
        "correlation_id": f"{number:032x}",
        "event.action": "request.completed",
        "http.request.method": "POST",
        "url.path": "/api/v1/tasks",
        "http.response.status_code": 201,
        "duration_ms": 3,
        "upstream.address": "127.0.0.1:8081",
    }
    return orjson.dumps(line) + b"\n"


def _write(var: Path) -> int:
    """Lines as the api writes them, each with an ID of its own, and ten of the ID that is looked for."""
    for name in ("log", "spans"):
        (var / name).mkdir()
    size = 0
    for number in range(FILES):
        path = var / "log" / f"fastapi-{number}.jsonl"
        with path.open("wb") as file:
            for line in range(number, LINES, FILES):
                file.write(_line(ID if line % 100_000 == 50_000 else f"{line:032x}", line))
        size += path.stat().st_size
    return size


def _line(correlation_id: str, number: int) -> bytes:
    return (
        orjson.dumps(
            {
                "@timestamp": f"2026-11-24T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.123456Z",
                "log.level": "notice",
                "message": f"Accepted calculate_var into high at position {number % 500}",
                "service.name": "api",
                "service.node.name": "fastapi-2",
                "process.pid": 4711,
                "correlation_id": correlation_id,
                "task_id": f"{number:08x}-0000-4000-8000-000000000000",
                "trace.id": f"{number:032x}",
                "span.id": f"{number:016x}",
                "event.action": "task.submitted",
                "task_type": "calculate_var",
                "queue": "high",
                "priority": "high",
                "status": "PENDING",
            }
        )
        + b"\n"
    )


def _seconds(command: list[str], var: Path) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, env=os.environ | {"VAR_DIR": str(var)}, capture_output=True, timeout=60, check=True)
    seconds = time.perf_counter() - began
    assert done.stdout.count(b"\n") >= 10, "each of the ten lines is found"
    return seconds


if __name__ == "__main__":
    main()
