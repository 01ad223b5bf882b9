"""Starts supervisord and talks to it through its socket, never waiting longer than a deadline."""

import http.client
import os
import socket
import subprocess
import sys
import time
import xmlrpc.client
from dataclasses import dataclass
from typing import Any, Final, cast
from xml.parsers.expat import ExpatError

from throughline.local import private_file
from throughline.local.run import CannotRun, Run

_ANSWER_SECONDS: Final = 5
_LAUNCH_SECONDS: Final = 20
_POLL_SECONDS: Final = 0.02
# It has ended, is about to end (a fault), or does not answer as supervisord does.
_NO_ANSWER: Final = (OSError, http.client.HTTPException, xmlrpc.client.Error, ExpatError)


_ENDED: Final = "supervisord, which keeps the processes running, has ended or is ending."


@dataclass(frozen=True)
class Process:
    """What supervisor knows of a process."""

    group: str
    state: str  # STARTING, RUNNING, BACKOFF (ended at once, will be started again), STOPPED, EXITED, FATAL …
    pid: int | None
    started: int  # seconds since 1970; changes with every start


class Supervisor:
    """The supervisord that listens on this socket, if one does."""

    def __init__(self, socket: str) -> None:
        transport = _Transport(socket)
        self._rpc = cast("Any", xmlrpc.client.ServerProxy("http://localhost", transport=transport)).supervisor

    def pid(self) -> int | None:
        """supervisord's own, or None when it does not run or is about to end."""
        try:
            return int(self._rpc.getPID())
        except _NO_ANSWER:
            return None

    def processes(self) -> dict[str, Process]:
        try:
            answer = self._rpc.getAllProcessInfo()
        except _NO_ANSWER:
            raise CannotRun(_ENDED) from None
        return {p["name"]: Process(p["group"], p["statename"], p["pid"] or None, p["start"]) for p in answer}

    def start(self, name: str) -> None:
        self._tell(self._rpc.startProcess, name)

    def stop(self, name: str) -> None:
        self._tell(self._rpc.stopProcess, name)

    def _tell(self, method: Any, name: str) -> None:
        process = self.processes()[name]
        try:
            method(f"{process.group}:{name}", False)
        except xmlrpc.client.Fault as fault:
            if fault.faultString.partition(":")[0] not in {"ALREADY_STARTED", "NOT_RUNNING"}:
                raise CannotRun(f"supervisor cannot do that with {name}: {fault.faultString}") from None
        except _NO_ANSWER:
            raise CannotRun(_ENDED) from None


def launch(run: Run) -> None:
    """Starts supervisord in the background; it starts the nine. They inherit the environment given here.

    Returns when it answers, so that the next command finds it.
    """
    own = {
        "REDIS_URL": run.redis_url,
        "SPANS_DIR": str(run.folder / "spans"),
        "VAR_DIR": run.var,
        "PYTHONUNBUFFERED": "1",
    }
    # -P: no module is imported from the current folder, which contains a folder `redis`.
    conf = str(run.folder / "conf" / "supervisord.conf")
    command = [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", conf]
    environment = os.environ | own
    started = subprocess.run(
        command,
        cwd=run.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_LAUNCH_SECONDS,
        check=False,
        umask=private_file.UMASK,
    )
    if started.returncode != 0:
        said = (started.stderr.strip() or started.stdout.strip() or "it says nothing").splitlines()
        raise CannotRun(f"supervisord does not start: {said[0]}")
    deadline = time.monotonic() + _LAUNCH_SECONDS
    while Supervisor(run.socket).pid() is None:
        if time.monotonic() > deadline:
            raise CannotRun(f"supervisord does not answer after {_LAUNCH_SECONDS} s: `make down` ends it.")
        time.sleep(_POLL_SECONDS)


class _Transport(xmlrpc.client.Transport):
    """A connection for each call: supervisord may be another one by the time of the next."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = _UnixConnection(self._path)
        self._connection = host, connection  # what close() closes
        return connection

    def single_request(self, *arguments: Any, **more: Any) -> Any:
        try:
            return super().single_request(*arguments, **more)
        finally:
            self.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_ANSWER_SECONDS)
        self.sock.connect(self._path)
