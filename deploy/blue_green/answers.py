"""What clients got, from NGINX's access lines; refusals that are no version's fault, from the api's."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

# The breaker and Redis's memory are one state for both colours: a switch back would not help. (BROKER_UNAVAILABLE
# counts: a version that reaches no Redis says that.)
_SHARED_STATE: Final = {"CIRCUIT_OPEN", "MEMORY_FULL"}


@dataclass(frozen=True)
class Answer:
    """`key` tells one request from all others, also when its line is read twice."""

    key: str
    correlation_id: str
    status: int

    @property
    def is_error(self) -> bool:
        return self.status >= 500


def answers(text: str) -> Iterator[Answer]:
    """Of the API's own paths: a probe or a page says nothing about the new version."""
    for line in _lines(text):
        if line.get("event.action") == "request.completed" and str(line.get("url.path", "")).startswith("/api/"):
            yield Answer(
                key=str(line.get("span.id", "")),
                correlation_id=str(line.get("correlation_id", "")),
                status=int(line.get("http.response.status_code", 0)),
            )


def excused(text: str) -> set[str]:
    """Correlation IDs of requests that the api refused for a state which both versions share."""
    return {str(line.get("correlation_id")) for line in _lines(text) if line.get("code") in _SHARED_STATE}


def faults(text: str) -> list[str]:
    """What a colour wrote that needs a person: lines of level error, answers of 500 and above."""
    return [
        str(line.get("message", ""))
        for line in _lines(text)
        if line.get("log.level") == "error" or int(line.get("http.response.status_code") or 0) >= 500
    ]


def _lines(text: str) -> Iterator[dict[str, Any]]:
    for raw in text.splitlines():
        try:
            line = json.loads(raw)
        except ValueError:
            continue  # NGINX's own notices
        if isinstance(line, dict):
            yield line
