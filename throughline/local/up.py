"""Starts the nine, or what is missing of them, and returns when all are healthy."""

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Final

from rich.console import Console

from throughline.api_keys import ApiKeys
from throughline.local import (
    configuration,
    control_socket,
    down,
    installed,
    lock,
    ports,
    private_file,
    python_path,
    redis_address,
    rolling,
    waiting,
)
from throughline.local.run import ROOT, CannotRun, Run, var_dir
from throughline.local.supervisor import Supervisor, launch
from throughline.settings import NineSettings

_TASKS_SECONDS: Final = 30


def up(console: Console) -> Run:
    """All of them healthy; `CannotRun` with the reason otherwise."""
    settings = NineSettings.load()
    with lock.held(var_dir(), "up"):
        run = _started(settings, console)
    waiting.until_healthy(run, run.names, console)
    return run


def _started(settings: NineSettings, console: Console) -> Run:
    run = running()
    if run is None:
        return _start(settings, console)
    if "http_port" in settings.model_fields_set and settings.http_port != run.http_port:
        raise CannotRun(
            f"Already running on port {run.http_port}. To move it to {settings.http_port}: make down, then make up."
        )
    rolling.put_right(run)
    _start_missing(run)
    return run


def running() -> Run | None:
    """The run of this checkout, if there is one."""
    run = Run.recorded(var_dir())
    return run if run is not None and Supervisor(run.socket).pid() is not None else None


def planned(settings: NineSettings) -> Run:
    """The run that these settings describe."""
    var = var_dir()
    if "redis_url" in settings.model_fields_set:
        redis_url = redis_address.checked(settings.redis_url)
    else:
        redis_url = redis_address.own(var, settings.http_port + 5)
    return Run(
        var=str(var),
        http_port=settings.http_port,
        redis_url=redis_url,
        api_replicas=settings.api_replicas,
        worker_replicas=settings.worker_replicas,
        socket=control_socket.path(var),
        worker_kill_seconds=settings.worker_kill_seconds,
        nginx_secret=settings.nginx_secret or secrets.token_urlsafe(24),
    )


def _start(settings: NineSettings, console: Console) -> Run:
    os.umask(private_file.UMASK)
    if path := os.environ.get("PYTHONPATH"):
        os.environ["PYTHONPATH"] = python_path.absolute(path, Path.cwd())
    _require_tasks()
    if settings.api_keys_file is not None:
        ApiKeys(ROOT / settings.api_keys_file)  # ends the start with the line that is wrong
    found = installed.require()
    _require_history(settings)
    run = planned(settings)
    if down.left_behind(run.folder):
        console.print("Processes of an earlier run are still there, without their supervisor. They are ended first.")
        down.end_all(run.folder, console)
    ports.require_free(run, own_redis_url="redis_url" in settings.model_fields_set)
    control_socket.make_folder(run.socket)
    configuration.write(run, found)
    rolling.forget(run)
    run.record()
    launch(run)
    return run


def _require_tasks() -> None:
    """Loads TASK_MODULES as the processes will: in the checkout, with an interpreter of its own."""
    command = [sys.executable, "-c", "from throughline.tasks.registry import registry; registry()"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_TASKS_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise CannotRun(f"The modules of TASK_MODULES are not imported within {_TASKS_SECONDS} s.") from None
    if done.returncode != 0:
        raise CannotRun(done.stderr.strip().rpartition("\n")[2])


def _require_history(settings: NineSettings) -> None:
    """Ends the start with the line with which api and monitor would end again and again."""
    # Imported here: the other commands need no SQLAlchemy, and answer at once.
    from throughline.ledger.history import check_at_start  # noqa: PLC0415

    check_at_start(settings.history_address)


def _start_missing(run: Run) -> None:
    supervisor = Supervisor(run.socket)
    for name, process in supervisor.processes().items():
        if process.state in {"STOPPED", "EXITED", "FATAL"}:
            supervisor.start(name)
