"""The applications that take a task in, each as one uvicorn process on one core."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from tests.bench.api_server import await_answer
from tests.conftest import free_port

ROOT: Final = Path(__file__).resolve().parents[2]
HERE: Final = Path(__file__).parent / "rivals"
CONNECTIONS: Final = 8
BODY: Final = json.dumps(
    {
        "task_type": "calculate_var",
        "data": {"portfolio_data": {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]}},
        "priority": "high",
    }
).encode()


class Contender(NamedTuple):
    name: str
    application: str
    environment: str  # the folder of its virtual environment
    variables: Mapping[str, str] = MappingProxyType({})


OURS: Final = Contender("**Throughline, everything on**", "api.main:app", ".venv")


@contextmanager
def pinned(contender: Contender, redis_url: str, core: int) -> Iterator[tuple[str, int]]:
    """One uvicorn process, pinned; its log lines go to a file, as they would to a container's."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, Path(folder, "log").open("wb") as log:
        program = subprocess.Popen(
            [
                *(ROOT / contender.environment / "bin" / "python", "-m", "uvicorn", contender.application),
                *("--port", str(port), "--no-access-log", "--log-level", "warning"),
            ],
            cwd=ROOT,
            env=os.environ
            | {"REDIS_URL": redis_url, "SPANS_DIR": folder, "CIRCUIT_MAX_DEPTH": "100000000", "PYTHONPATH": str(ROOT)}
            | dict(contender.variables),
            stdout=log,
            stderr=log,
        )
        try:
            os.sched_setaffinity(program.pid, {core})
            await_answer(f"http://127.0.0.1:{port}/openapi.json", Path(folder, "log"))
            yield f"http://127.0.0.1:{port}/api/v1/tasks", program.pid
        finally:
            program.terminate()
            program.wait(timeout=20)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def make_environments() -> None:
    """The rivals' own, made once: `.venv` holds only what Throughline needs."""
    uv = ROOT / ".venv" / "bin" / "uv"
    for name, lock in ((".venv-bench", "requirements.lock"), (".venv-bench-arq", "requirements-arq.lock")):
        stamp = ROOT / name / ".lock"
        text = (HERE / lock).read_text()
        if stamp.exists() and stamp.read_text() == text:
            continue
        python = ROOT / name / "bin" / "python"
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, ROOT / name], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "-r", HERE / lock], check=True)
        stamp.write_text(text)
