"""A real PostgreSQL of the tests' own, where this machine has the program."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from tests.conftest import free_port


def programs() -> Path | None:
    """The folder of `postgres` and `initdb`; Debian keeps them off the PATH."""
    there = shutil.which("initdb")
    if there and shutil.which("postgres"):
        return Path(there).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@dataclass(frozen=True)
class Server:
    """Its administrator is `owner`, with the password `secret`."""

    port: int
    process: "subprocess.Popen[bytes]"

    def url(self, database: str = "postgres", user: str = "owner", password: str = "secret") -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def run(self, *statements: str, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def freeze(self) -> None:
        """All of its processes: each connection has one."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        server = psutil.Process(self.process.pid)
        for each in (server, *server.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # one of a connection that has just ended
                each.send_signal(number)


_INITDB = ("-A", "scram-sha-256", "-N", "-E", "UTF8", "--locale=C")


@contextmanager
def running(folder: Path, *, durable: bool = False) -> Iterator[Server]:
    """A server with its data in this folder. It does not run as root: then its files belong to `nobody`."""
    found = programs()
    assert found, "PostgreSQL is not installed"
    user = "nobody" if os.geteuid() == 0 else None
    data, port = folder / "data", free_port()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "password").write_text("secret")
    if user:
        for parent in (folder, *folder.parents):  # pytest's folders are its user's alone
            if parent.stat().st_uid == 0 and parent not in {Path("/"), Path("/tmp")}:
                parent.chmod(parent.stat().st_mode | 0o011)
        for path in (folder, folder / "password"):
            os.chown(path, pwd.getpwnam(user).pw_uid, -1)
    options = {"user": user, "stdout": subprocess.DEVNULL, "cwd": folder}
    subprocess.run(
        [found / "initdb", "-D", data, "-U", "owner", f"--pwfile={folder / 'password'}", *_INITDB],
        check=True,
        **options,  # type: ignore[call-overload]
    )
    settings = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}"]
    settings += [] if durable else ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
    command = [found / "postgres", "-D", data, *(part for each in settings for part in ("-c", each))]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stderr=log, start_new_session=True, **options)  # type: ignore[call-overload]
    started = Server(port, server)
    try:
        _wait_for(started, folder / "log")
        yield started
    finally:
        started.thaw()
        server.send_signal(signal.SIGINT)
        server.wait(20)


def _wait_for(server: Server, log: Path) -> None:
    for _ in range(200):
        try:
            psycopg.connect(server.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            assert server.process.poll() is None, log.read_text()
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())
