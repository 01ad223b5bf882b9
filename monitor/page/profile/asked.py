"""Which time and which type of task a page is asked for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from monitor.page.refusal import Refused
from throughline.moment import moment_of
from throughline.profile import Window

RANGES: Final = ("15m", "1h", "6h", "1d", "7d")


@dataclass(frozen=True)
class Asked:
    """As it was typed, and what it means now."""

    since: str
    until: str
    task_type: str
    window: Window
    order: str = ""  # of the table

    def address(self, path: str, **changes: str) -> str:
        """The same page, or another one, with other parameters."""
        params = {"since": self.since, "until": self.until, "task_type": self.task_type, "order": ""} | changes
        return f"{path}?{urlencode({name: value for name, value in params.items() if value})}"


def asked(since: str, until: str, task_type: str, now: datetime) -> Asked:
    """Raises `Refused` for what makes no sense."""
    begin = _moment("since", since, now)
    end = _moment("until", until, now) if until else now
    if begin >= end:
        raise Refused(422, "VALIDATION_FAILED", f"since ({begin:%Y-%m-%d %H:%M:%S} UTC) must be before until.")
    return Asked(since, until, task_type, Window(begin, end))


def _moment(name: str, text: str, now: datetime) -> datetime:
    try:
        return moment_of(text, now)
    except ValueError as error:
        raise Refused(422, "VALIDATION_FAILED", f"{name} {error}.") from None


def rounded(window: Window) -> Window:
    """The same for all who ask within ten seconds, so that they share one answer."""
    return Window(*(each - timedelta(seconds=each.timestamp() % 10) for each in (window.since, window.until)))
