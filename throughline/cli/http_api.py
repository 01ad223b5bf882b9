"""Talks to the API of the running nine over HTTP, never waiting longer than a deadline."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

from throughline.ledger.states import Status
from throughline.local.run import HOST, CannotRun, Run, var_dir

_ANSWER_SECONDS: Final = 10
_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Answer:
    status: int
    correlation_id: str
    body: dict[str, Any]


class Refused(Exception):
    """The API answered with a problem; the message is for people."""


def submit(task: Mapping[str, Any], correlation_id: str | None) -> Answer:
    headers = {"Content-Type": "application/json"} | ({"X-Request-ID": correlation_id} if correlation_id else {})
    return _call("POST", "/api/v1/tasks", json.dumps(task), headers)


def result(task_id: str, seconds: float) -> dict[str, Any]:
    """The task once it is done. Asked without its correlation ID, so that asking is no part of its journey."""
    deadline = time.monotonic() + seconds
    while not Status((task := _call("GET", f"/api/v1/tasks/{task_id}").body)["status"]).is_final:
        if time.monotonic() > deadline:
            raise CannotRun(f"After {seconds:.0f} s the task is still {task['status']}: {url()}/api/v1/tasks/{task_id}")
        time.sleep(_POLL_SECONDS)
    return task


def url() -> str:
    return f"http://{HOST}:{_port()}"


def _port() -> int:
    """HTTP_PORT, or where the nine of this checkout were started."""
    if port := os.environ.get("HTTP_PORT"):
        if not port.isdecimal():
            raise CannotRun(f"HTTP_PORT is not a number: {port}")
        return int(port)
    run = Run.recorded(var_dir())
    return run.http_port if run else 8080


def _call(method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    connection = HTTPConnection(HOST, _port(), timeout=_ANSWER_SECONDS)
    try:
        connection.request(method, path, body and body.encode(), dict(headers or {}))
        response = connection.getresponse()
        answer = Answer(response.status, response.headers.get("X-Request-ID", ""), json.loads(response.read()))
    except (OSError, HTTPException, ValueError) as error:
        raise CannotRun(f"{url()} does not answer as Throughline does ({error}): `make up` starts it.") from None
    finally:
        connection.close()
    if answer.status >= 400:
        raise Refused("\n".join(_problem(answer.body)))
    return answer


def _problem(body: dict[str, Any]) -> list[str]:
    fields = [f"  {error['field']}: {error['message']}" for error in body.get("errors") or []]
    return [
        f"{body.get('status')} {body.get('code')}" + ("" if fields else f": {body.get('detail')}"),
        *fields,
        f"correlation ID: {body.get('correlation_id')}",
    ]
