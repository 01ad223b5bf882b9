"""The nine processes as supervisor runs them: command, environment, how to stop."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from throughline.local import build
from throughline.local.run import HOST, Run


@dataclass(frozen=True)
class Program:
    """One process; its name is its SERVICE_NODE_NAME."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: Literal["TERM", "QUIT"] = "TERM"
    log: Literal["jsonl", "log"] = "jsonl"
    stop_seconds: int = 35  # above the 30 s that each takes at most to finish its work


def groups(run: Run, found: Mapping[str, str]) -> dict[str, list[Program]]:
    """The programs in the order of starting. They are stopped in reverse: first no more requests, then no more
    tasks, and Redis last, when no one has anything left to tell it."""
    return {
        "redis": [_redis(run, found["redis-server"])],
        "workers": [_worker(run, name) for name in run.workers],
        "api": [_replica(run, name) for name in run.replicas],
        "monitor": [_monitor(run)],
        "nginx": [_nginx(run, found["nginx"])],
    }


def _redis(run: Run, program: str) -> Program:
    return Program("redis", (program, str(run.folder / "conf" / "redis.conf")), log="log")


def _worker(run: Run, name: str) -> Program:
    command = ("-m", "celery", "-A", "worker.app", "--quiet", "worker", "-n", f"{name}@%h")
    # A worker uses the cores by its processes: numpy's own threads would compete with them.
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    options = ("--without-gossip", "--without-mingle")
    return Program(name, build.wrapped(run, *command, *options), threads, stop_seconds=run.worker_kill_seconds)


def _replica(run: Run, name: str) -> Program:
    command = ("-m", "uvicorn", "api.main:app", "--host", HOST, "--port", str(run.ports[name]), "--no-access-log")
    # NGINX sends no X-Forwarded-For, and what a client says in one is not to be believed.
    options = ("--no-server-header", "--no-proxy-headers", "--timeout-graceful-shutdown", "30")
    return Program(name, build.wrapped(run, *command, *options))


def _monitor(run: Run) -> Program:
    # Whatever API_URL the shell has: the page of a local run acts on that run's tasks.
    address = {"MONITOR_HOST": HOST, "MONITOR_PORT": str(run.ports["monitor"])}
    address |= {"API_URL": f"http://{HOST}:{run.http_port}"}
    return Program("monitor", build.wrapped(run, "-m", "monitor"), address)


def _nginx(run: Run, program: str) -> Program:
    # -e: before it reads its configuration, Debian's nginx opens a log that only root may write.
    nginx = (program, "-e", "stderr", "-c", str(run.folder / "conf" / "nginx.conf"))
    files = (str(run.folder / "nginx" / "nginx.pid"), str(run.nginx_spans))
    return Program(
        "nginx",
        (sys.executable, "-m", "throughline.local.nginx_process", *files, str(build.nginx_file(run)), *nginx),
        stop_signal="QUIT",
    )
