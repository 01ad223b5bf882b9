"""One local run: its processes, their ports, its files; recorded, so that every command finds the one that runs."""

import errno
import json
import os
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from throughline.local import private_file

ROOT: Final = Path(__file__).resolve().parents[2]
HOST: Final = "127.0.0.1"


class CannotRun(Exception):
    """A local run cannot do what it was asked to; the message says in one line why, and what to do."""


@dataclass(frozen=True)
class Run:
    """The settings with which the processes were started; they hold until the processes end, whatever changes later."""

    var: str
    http_port: int
    redis_url: str
    api_replicas: int
    worker_replicas: int
    socket: str  # supervisor's, for control
    worker_kill_seconds: int = 35
    nginx_secret: str = ""  # what NGINX proves itself with to the others

    @property
    def folder(self) -> Path:
        return Path(self.var)

    @property
    def nginx_spans(self) -> Path:
        return self.folder / "spans" / "nginx.jsonl"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.http_port}"

    @property
    def replicas(self) -> list[str]:
        return [f"fastapi-{number}" for number in range(1, self.api_replicas + 1)]

    @property
    def workers(self) -> list[str]:
        return [f"worker-{number}" for number in range(1, self.worker_replicas + 1)]

    @property
    def names(self) -> list[str]:
        """Every process, in the order in which a request passes them."""
        return ["nginx", *self.replicas, "redis", *self.workers, "monitor"]

    @property
    def ports(self) -> dict[str, int]:
        """The port of each process that listens on one."""
        own = {"nginx": self.http_port}
        own |= {name: self.http_port + number for number, name in enumerate(self.replicas, start=1)}
        return own | {"monitor": self.http_port + 4, "redis": urlsplit(self.redis_url).port or 6379}

    def record(self) -> None:
        private_file.write(_record(self.folder), json.dumps(asdict(self), indent=2))

    @classmethod
    def recorded(cls, var: Path) -> Self | None:
        """The run that was last started in this folder; it may have ended since."""
        try:
            return cls(**json.loads(_record(var).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):  # none yet, or written by another version
            return None


def var_dir() -> Path:
    """VAR_DIR, relative to the checkout; `CannotRun` when something else is there, or it cannot be entered.

    Read without the settings class, which takes longer than a journey does.
    """
    named = ROOT / (os.environ.get("VAR_DIR") or "var")
    try:
        found = named.resolve()
        if not stat.S_ISDIR(found.stat().st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(found, os.R_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except FileNotFoundError:
        return found  # `up` makes it
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        raise CannotRun(unusable(named, error)) from None
    return found


def unusable(var: Path, error: Exception) -> str:
    """What a command ends with that cannot use its folder, or a file in it."""
    reason = getattr(error, "strerror", None) or str(error)
    where = str(getattr(error, "filename", None) or var)
    at = "" if where == str(var) else f" at {where}"
    return f"VAR_DIR is {var}, which cannot be used: {reason}{at}. Choose another folder with VAR_DIR=/a/folder."


def _record(var: Path) -> Path:
    return var / "conf" / "run.json"
