"""What an operator asks of the API from a terminal, with the key of the environment and under one correlation ID."""

import os
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx

from throughline.cli import service
from throughline.client import transport
from throughline.client.address import authorization
from throughline.client.answers import document, error_of, is_success, retry_after
from throughline.client.errors import ApiError, InvalidRequest
from throughline.ledger.asked_by import checked_why
from throughline.local.run import CannotRun
from throughline.telemetry import random_ids

PATHS: Final[Mapping[str, tuple[str, str]]] = {
    "cancel": ("DELETE", "/api/v1/tasks/{}"),
    "replay": ("POST", "/api/v1/dead-letters/{}/replay"),
    "resubmit": ("POST", "/api/v1/tasks/{}/resubmit"),
}
_SECONDS: Final = 5.0
_TRIES: Final = 4  # where NGINX takes no more requests of a caller for a second


class Refused(Exception):
    """Why it was not done, in the API's words."""


class OperatorCalls:
    """All of one command, under one correlation ID."""

    def __init__(self, address: str, why: str) -> None:
        try:
            self._why = checked_why(why)
        except ValueError as error:
            raise CannotRun(f"--why: {error}.") from None
        try:
            key = authorization(os.environ.get("THROUGHLINE_API_KEY") or None)
        except InvalidRequest as error:
            raise CannotRun(f"THROUGHLINE_API_KEY: {error}") from None
        self.correlation_id = random_ids.uuid4()
        self._address = address
        self._once = random_ids.uuid4()
        self._key = key
        self._http = httpx.Client(**transport.options(address, None, 1))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def on_task(self, action: str, task_id: str) -> dict[str, Any]:
        """What the API says of the task, or of the new one; raises `Refused`."""
        method, path = PATHS[action]
        answer = self._answer(method, path.format(quote(task_id, safe="")), task_id)
        return dict(document(answer, "task_id", "status"))

    def circuit(self) -> str:
        """closed, open or half_open."""
        return str(document(self._answer("GET", "/api/v1/queues"), "circuit")["circuit"])

    def close_circuit(self) -> None:
        self._answer("POST", "/api/v1/queues/circuit/close")

    def _answer(self, method: str, path: str, about: str = "") -> Any:
        headers = {"X-Request-ID": self.correlation_id} | self._key
        if self._why and method != "GET":
            headers["X-Why"] = self._why
        if about:
            once = f"{self._once}-{about}".encode("ascii", "backslashreplace").decode().replace('"', "")[:255]
            headers["Idempotency-Key"] = f'"{once}"'
        for left in reversed(range(_TRIES)):
            try:
                sent = httpx.Headers(headers, encoding="utf-8")
                response = self._http.request(method, path, headers=sent, timeout=_SECONDS)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                remedy = ": `make up` starts it" if service.is_local(self._address) else ""
                said = f"Throughline does not answer at {self._address} ({type(error).__name__}){remedy}."
                raise CannotRun(said) from None
            answer = transport.answer_of(response, response.content)
            if is_success(answer):
                return answer
            if answer.status != 429 or not left:
                break
            time.sleep(min(2.0, retry_after(answer.headers) or 1.0))
        try:
            raise error_of(answer)
        except ApiError as refusal:
            raise Refused(f"{refusal.detail} ({refusal.code})") from None
