"""Checks that the ports of a run are free, before anything starts."""

import errno
import socket

from throughline.local.run import HOST, CannotRun, Run


def require_free(run: Run, *, own_redis_url: bool) -> None:
    """Raises `CannotRun` for the first port that is taken, naming the variable that moves it."""
    for name, port in run.ports.items():
        if name != "redis" and port == run.ports["redis"]:
            raise CannotRun(
                f"REDIS_URL (port {port}) takes the port of {name}, which follows HTTP_PORT ({run.http_port}). "
                + _redis_remedy(run)
            )
    for name, port in run.ports.items():
        reason = _unavailable(port)
        if reason is not None:
            remedy = _redis_remedy(run) if name == "redis" and own_redis_url else _http_remedy(run)
            raise CannotRun(f"Port {port} ({name}) {reason}. {remedy}")


def _unavailable(port: int) -> str | None:
    with socket.socket() as probe:
        # As the servers do: a port whose last connections are in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "is taken by another program"
            return f"cannot be used ({error.strerror})"
    return None


def _http_remedy(run: Run) -> str:
    other = run.http_port + 1000 if 1024 <= run.http_port < 60_000 else 8080
    return f"Choose another base with HTTP_PORT={other} make up."


def _redis_remedy(run: Run) -> str:
    taken, now = set(run.ports.values()), run.ports["redis"]
    port = next(port for port in (*range(now + 1, 65_536), *range(now, 0, -1)) if port not in taken)
    return f"Choose another with REDIS_URL=redis://{HOST}:{port}/0 make up."
