"""Containers of two versions of the images on one Redis and one history: this checkout's, and an older commit's."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import httpx

from tests import plain_http
from tests.command import ROOT

Version = Literal["old", "new"]
VERSIONS: Final[tuple[Version, Version]] = ("old", "new")
SLOTS: Final = 2  # of each worker
COMMIT: Final = (ROOT / "tests" / "stack" / "previous_version").read_text(encoding="utf-8").strip()
_PARTS: Final = ("api", "worker", "monitor")
_TAGS: Final[Mapping[Version, str]] = {"old": f"contract-{COMMIT[:12]}", "new": "contract-new"}
_HISTORY: Final = "postgresql://owner:secret@postgres:5432/history"
_ENVIRONMENT: Final = {
    "REDIS_URL": "redis://redis:6379/0",
    "HISTORY_URL": _HISTORY,
    "TASK_MODULES": "risk,contract_tasks",
    "PYTHONPATH": "/app",
    "HOT_SECONDS": "1",
    "CIRCUIT_MAX_DEPTH": "20",
    "CIRCUIT_CLOSE_DEPTH": "10",
    "WORKER_CONCURRENCY": str(SLOTS),
    "TASK_SOFT_TIME_LIMIT_SECONDS": "500",
    "TASK_TIME_LIMIT_SECONDS": "510",
    "VISIBILITY_TIMEOUT_SECONDS": "600",
    "SWEEP_INTERVAL_SECONDS": "1",
    "SAMPLE_INTERVAL_SECONDS": "1",
    "REDIS_TIMEOUT_SECONDS": "10",
}


def image(part: str, version: Version) -> str:
    return f"throughline/{part}:{_TAGS[version]}"


def build() -> None:
    """The old images are built once: their commit never changes."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_build_part, _PARTS))


def _build_part(part: str) -> None:
    command = ["docker", "build", "-q", "-f", "deploy/Dockerfile", "--target", part, "--build-arg", f"PART={part}"]
    _run([*command, "-t", image(part, "new"), "."], 600)
    if not _run(["docker", "image", "ls", "-q", image(part, "old")], 30):
        _run([*command, "-t", image(part, "old"), "-"], 600, stdin=_archive())


def _archive() -> bytes:
    if not _is_here():  # a clone without its history
        subprocess.run(
            ["git", "fetch", "-q", "origin", COMMIT], cwd=ROOT, capture_output=True, timeout=120, check=False
        )
    if not _is_here():
        raise RuntimeError(
            f"tests/stack/previous_version names commit {COMMIT}, which neither this clone nor its origin has: "
            f"`git fetch --unshallow` may bring it"
        )
    # What the two say to each other is our code's: on the packages of today the old code needs no installation of its
    # own, which takes five minutes. With the modes of a checkout: other ones would be other layers.
    packages = [f"--add-file=requirements-{part}.lock" for part in _PARTS]
    command = ["git", "-c", "tar.umask=0022", "archive", *packages, COMMIT]
    return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=True).stdout


def _is_here() -> bool:
    command = ["git", "cat-file", "-e", f"{COMMIT}^{{commit}}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False).returncode == 0


class Contract:
    """`with Contract(wait_until) as running:` has Redis, the history as the new version sets it up, and both apis."""

    def __init__(self, wait_until: Callable[..., Any]) -> None:
        self._prefix = f"throughline-contract-{os.getpid()}"
        self._wait_until = wait_until
        self.apis: dict[Version, httpx.Client] = {}

    def __enter__(self) -> "Contract":
        try:
            _run(["docker", "network", "create", self._prefix], 60)
            self.run("redis", "redis:8.0")
            database = {"POSTGRES_USER": "owner", "POSTGRES_PASSWORD": "secret", "POSTGRES_DB": "history"}
            self.run("postgres", "postgres:17", environment=database)
            build()  # while PostgreSQL makes the database
            asked = ("sh", "-c", 'PGPASSWORD=secret psql -h 127.0.0.1 -U owner -d history -c "SELECT 1"')
            self._wait_until(lambda: self._answers("postgres", *asked), 180, "PostgreSQL has the database")
            command = ("python", "-m", "monitor.plane.history")
            self.run("set-up", image("monitor", "new"), *command, until_its_end=True)
            self.sql("ALTER TABLE tasks ADD COLUMN of_a_later_release TEXT DEFAULT 'x'", "CREATE TABLE later (a INT)")
            for version in VERSIONS:
                self.apis[version] = self._started_api(version)
            for version, client in self.apis.items():
                self._wait_until(partial(_is_ready, client), 180, f"the {version} api is ready")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for client in self.apis.values():
            client.close()
        names = _run(["docker", "ps", "-aq", "--filter", f"name=^{self._prefix}-"], 30).split()
        if names:
            _run(["docker", "rm", "-f", "-v", *names], 120)
        _run(["docker", "network", "rm", self._prefix], 60)

    def run(
        self,
        name: str,
        image_: str,
        *command: str,
        environment: Mapping[str, str] = _ENVIRONMENT,
        until_its_end: bool = False,
    ) -> None:
        given = [argument for pair in environment.items() for argument in ("-e", "=".join(pair))]
        tasks = Path(__file__).with_name("contract_tasks.py")
        place = ["--network", self._prefix, "--network-alias", name, "-v", f"{tasks}:/app/contract_tasks.py:ro"]
        how = [] if until_its_end else ["-d", "-P"]
        _run(["docker", "run", *how, "--name", f"{self._prefix}-{name}", *place, *given, image_, *command], 180)

    def start(self, part: str, version: Version) -> str:
        """A worker or a monitor, by a name of its own. It is not waited for."""
        name = f"{part}-{version}-{time.monotonic_ns()}"
        own = {"SERVICE_NODE_NAME": name, "SERVICE_VERSION": version}
        self.run(name, image(part, version), environment=_ENVIRONMENT | own)
        return name

    def stop(self, *names: str, signal: str = "TERM") -> None:
        for name in names:
            _run(["docker", "kill", "-s", signal, f"{self._prefix}-{name}"], 30)
        for name in names:
            self._wait_until(lambda name=name: self.state(name).startswith("exited"), 90, f"{name} has ended")

    def redis(self, *command: str) -> str:
        return _run(["docker", "exec", f"{self._prefix}-redis", "redis-cli", *command], 30).strip()

    def sql(self, *statements: str) -> str:
        command = [argument for each in statements for argument in ("-c", each)]
        psql = ["docker", "exec", "-e", "PGPASSWORD=secret", f"{self._prefix}-postgres", "psql", "-h", "127.0.0.1"]
        return _run([*psql, "-U", "owner", "-d", "history", "-v", "ON_ERROR_STOP=1", "-At", *command], 30).strip()

    def state(self, name: str) -> str:
        shown = "{{.State.Status}} {{.State.ExitCode}}"
        return _run(["docker", "inspect", "-f", shown, f"{self._prefix}-{name}"], 30).strip()

    def printed(self, name: str) -> list[dict[str, Any]]:
        lines = _run(["docker", "logs", f"{self._prefix}-{name}"], 30).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def _answers(self, name: str, *command: str) -> bool:
        done = subprocess.run(
            ["docker", "exec", f"{self._prefix}-{name}", *command], capture_output=True, timeout=30, check=False
        )
        return done.returncode == 0

    def _started_api(self, version: Version) -> httpx.Client:
        name = self.start("api", version)
        bound = _run(["docker", "port", f"{self._prefix}-{name}", "8000/tcp"], 30).split()[0]
        port = bound.rpartition(":")[2]
        return plain_http.client(f"http://127.0.0.1:{port}", timeout=35)


def _is_ready(api: httpx.Client) -> bool:
    try:
        return api.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def _run(command: list[str], seconds: float, stdin: bytes | None = None) -> str:
    done = subprocess.run(command, cwd=ROOT, input=stdin, capture_output=True, timeout=seconds, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace")
        raise RuntimeError(f"{' '.join(command)}: {said[-3000:]}")
    return done.stdout.decode()
