"""Asks Elasticsearch or Kibana over HTTP: with a deadline, and with an error that names the server and the request."""

import ssl
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

_SECONDS: Final = 10


class Unanswered(Exception):
    """The server does not answer, refuses, or does not do what was asked. The message is for people."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status  # 0: no answer at all


class Client:
    """Asks one server as one user. Without `ca_file` it trusts the public certificate authorities."""

    def __init__(
        self, url: str, user: str, password: str, seconds: float = _SECONDS, ca_file: Path | None = None
    ) -> None:
        self.url = url.rstrip("/")
        trusted = ssl.create_default_context(cafile=ca_file) if ca_file else True
        self._http = httpx.Client(
            base_url=self.url, auth=(user, password), timeout=seconds, trust_env=False, verify=trusted
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def ask(self, method: str, path: str, body: object = None, **options: Any) -> Any:
        """The answer's JSON; `Unanswered` for anything but a success."""
        try:
            answer = self._http.request(method, path, json=body, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unanswered(f"{self.url} does not answer ({type(error).__name__}: {error})") from None
        if answer.is_error:
            raise Unanswered(f"{self.url} refuses {method} {path}: {_reason(answer)}", answer.status_code)
        return answer.json() if answer.content else {}


def _reason(answer: httpx.Response) -> str:
    if answer.status_code == 401:
        return "wrong user or password"
    try:
        error = answer.json()["error"]
        return str(error["reason"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}"
