"""Where the local run's own Redis listens and with which password: from REDIS_URL, or made here."""

import secrets
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from throughline.local import private_file
from throughline.local.run import HOST, CannotRun

_LOOPBACK: Final = {"127.0.0.1", "localhost"}


def checked(url: str) -> str:
    """REDIS_URL, if a Redis started here can be reached by it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise CannotRun("REDIS_URL is not a URL of the form redis://:password@127.0.0.1:6379/0.") from None
    if parts.scheme != "redis" or host not in _LOOPBACK:
        where = f"{parts.scheme}://{host or ''}"
        raise CannotRun(
            f"REDIS_URL points to {where}, but a local run starts its own Redis on 127.0.0.1: unset REDIS_URL, "
            "or start the programs themselves (uvicorn, celery, python -m monitor) to use that one."
        )
    if parts.username not in {None, "", "default"}:
        raise CannotRun("REDIS_URL names a user; the Redis of a local run knows only a password: redis://:password@…")
    return url


def own(var: Path, port: int) -> str:
    """An address with a random password, the same for every run in this folder."""
    return f"redis://:{_own_password(var / 'redis' / 'password')}@{HOST}:{port}/0"


def password(url: str) -> str:
    return unquote(urlsplit(url).password or "")


def _own_password(path: Path) -> str:
    if not path.exists():
        private_file.write(path, secrets.token_urlsafe(32))
    return path.read_text(encoding="utf-8").strip()
