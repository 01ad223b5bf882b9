"""The nine processes of a test run, started and ended by the real `throughline` command."""

import json
import os
import random
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import redis

from tests import plain_http
from throughline.local.run import Run
from throughline.local.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[2]
COMMAND = Path(sys.executable).with_name("throughline")


class Nine:
    """One local run in a folder and on ports of its own. `with Nine(folder) as nine:` has it healthy."""

    def __init__(self, var_dir: Path, **environment: str) -> None:
        self.folder: Path | None = None  # in which commands are called; None: that of the tests
        self.var_dir = var_dir
        self.http_port = free_base()
        self.base_url = f"http://127.0.0.1:{self.http_port}"
        inherited = {name: value for name, value in os.environ.items() if name not in {"REDIS_URL", "SPANS_DIR"}}
        own = {"VAR_DIR": str(var_dir), "HTTP_PORT": str(self.http_port), "COLUMNS": "120"}
        self.environment = inherited | own | environment

    def __enter__(self) -> "Nine":
        started = self.run("up")
        if started.returncode != 0:
            self.run("down")
            raise RuntimeError(f"throughline up failed:\n{started.stdout}{started.stderr}")
        return self

    def __exit__(self, *_: object) -> None:
        ended = self.run("down")
        assert ended.returncode == 0, ended.stderr

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """`nine.run("status")` is `throughline status` on this run; a keyword changes an environment variable."""
        return subprocess.run(
            [COMMAND, *arguments],
            env=self.environment | environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=600,  # of `restart`, on a machine that is busy with much else
            check=False,
        )

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        """As `run`, without waiting for its end: that is for `communicate`."""
        pipe = subprocess.PIPE
        return subprocess.Popen([COMMAND, *arguments], env=self.environment, stdout=pipe, stderr=pipe, text=True)

    @property
    def recorded(self) -> Run:
        run = Run.recorded(self.var_dir)
        assert run is not None, "not started yet"
        return run

    @property
    def replica_urls(self) -> list[str]:
        """Each replica's own address, past NGINX."""
        return [f"http://127.0.0.1:{self.recorded.ports[name]}" for name in self.recorded.replicas]

    @property
    def redis_url(self) -> str:
        return self.recorded.redis_url

    def redis(self) -> redis.Redis:
        """A client: `with nine.redis() as client:`."""
        return redis.Redis.from_url(self.redis_url, decode_responses=True, socket_timeout=5)

    def http(self, base_url: str = "", **options: Any) -> httpx.Client:
        """A client, through NGINX unless told otherwise: `with nine.http() as client: client.get("/health")`."""
        return plain_http.client(base_url or self.base_url, **options)

    def pids(self) -> dict[str, int | None]:
        """The pid of each process; None for one that is stopped."""
        return {name: process.pid for name, process in Supervisor(self.recorded.socket).processes().items()}

    def log_lines(self, name: str) -> list[dict[str, Any]]:
        """What `worker-2` has logged so far, parsed; without a last line that is not whole yet."""
        text = (self.var_dir / "log" / f"{name}.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.split("\n")[:-1]]  # not splitlines: JSON may hold U+2028


def free_base() -> int:
    """An HTTP_PORT whose five neighbours are free too; below the ports that systems give to clients."""
    while True:
        base = random.randrange(20_000, 30_000, 10)
        if all(_is_free(port) for port in range(base, base + 6)):
            return base


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
