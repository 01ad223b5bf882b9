"""Which Throughline a command speaks to, and a client for it: --url, THROUGHLINE_URL, or the local run."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from throughline.client import Client
from throughline.client.address import authorization, checked_url
from throughline.client.errors import InvalidRequest, NoAnswer, ThroughlineError
from throughline.local.run import HOST, CannotRun, Run, var_dir

_DEADLINE_SECONDS: Final = 5.0  # somebody waits at the terminal


def url(option: str | None = None) -> str:
    """Where it answers."""
    for name, value in (("--url", option), ("THROUGHLINE_URL", os.environ.get("THROUGHLINE_URL"))):
        if value:
            try:
                return checked_url(value)
            except InvalidRequest as error:
                raise CannotRun(f"{name}: {error}") from None
    return local_url()


def local_url() -> str:
    """HTTP_PORT, or where the nine of this checkout were started."""
    if port := os.environ.get("HTTP_PORT"):
        if not port.isdecimal() or not 1 <= int(port) <= 65_535:
            raise CannotRun(f"HTTP_PORT is not the number of a port: {port}")
        return f"http://{HOST}:{port}"
    run = Run.recorded(var_dir())
    return run.url if run else f"http://{HOST}:8080"


@contextmanager
def client(address: str) -> Iterator[Client]:
    """A client for the address; what it raises becomes the lines that the command ends with.

    The API key comes from the environment alone: a command line is there for every user of the machine to read.
    """
    key = os.environ.get("THROUGHLINE_API_KEY") or None
    try:
        authorization(key)
    except InvalidRequest as error:
        raise CannotRun(f"THROUGHLINE_API_KEY: {error}") from None
    try:
        with Client(address, api_key=key, deadline=_DEADLINE_SECONDS) as opened:
            yield opened
    except NoAnswer as error:
        remedy = ": `make up` starts it." if is_local(address) else "."
        raise CannotRun(f"{error}\nThroughline does not answer at {address}{remedy}") from None
    except ThroughlineError as error:
        raise CannotRun(str(error)) from None


def is_local(address: str) -> bool:
    return address == local_url()
