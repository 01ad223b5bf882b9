"""Which log lines somebody wants to see."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from throughline.telemetry import correlation

LEVELS: Final = ("debug", "info", "notice", "warning", "error")  # in their order; `critical` counts as an error
_OWN: Final = {name: number for number, name in enumerate(LEVELS)} | {"critical": len(LEVELS) - 1}
_MOST_CHARACTERS: Final = 128
API_PATH: Final = "/api/"


@dataclass(frozen=True)
class Wanted:
    """What is empty lets all lines through. `service` is one of the four, or one of its instances: worker, worker-2.

    Who asks for no request, task or service is not told of pages that were shown and probes that were answered: an open
    page asks for itself every two seconds.
    """

    correlation_id: str = ""
    task_id: str = ""
    level: str = ""
    service: str = ""

    def mistakes(self) -> dict[str, str]:
        """By field, what is wrong with it and what to write instead."""
        found = {}
        if self.correlation_id and not correlation.is_valid(self.correlation_id):
            found["correlation_id"] = "must be 1 to 128 letters, digits, dots, underscores, colons and hyphens"
        if self.level and self.level not in LEVELS:
            found["level"] = f"must be one of {', '.join(LEVELS)}"
        for name, value in (("task_id", self.task_id), ("service", self.service)):
            if len(value) > _MOST_CHARACTERS or not value.isprintable():
                found[name] = f"must be at most {_MOST_CHARACTERS} characters, none of them a control character"
        return found

    @property
    def is_one_journey(self) -> bool:
        """Few lines, however long they are looked for."""
        return bool(self.correlation_id or self.task_id)

    @property
    def levels(self) -> tuple[str, ...]:
        """That level and all above it."""
        return tuple(name for name, number in _OWN.items() if number >= _OWN.get(self.level, 0))

    @property
    def leaves_out_pages(self) -> bool:
        return not (self.is_one_journey or self.service)

    def lets_through(self, fields: Mapping[str, Any]) -> bool:
        if self.correlation_id and self.correlation_id not in {
            fields.get("correlation_id"),
            fields.get("requested_by"),
        }:
            return False
        if self.task_id and fields.get("task_id") != self.task_id:
            return False
        if self.service and self.service not in {fields.get("service.name"), fields.get("service.node.name")}:
            return False
        if self.leaves_out_pages and _is_page(fields):
            return False
        # A level that nobody knows is shown rather than hidden.
        return _OWN.get(str(fields.get("log.level")), len(LEVELS)) >= _OWN.get(self.level, 0)


def _is_page(fields: Mapping[str, Any]) -> bool:
    path, status = str(fields.get("url.path", API_PATH)), fields.get("http.response.status_code")
    return not path.startswith(API_PATH) and isinstance(status, int) and status < 400
