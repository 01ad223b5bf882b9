"""Who asked for a change of a task, and why: kept in the task's changes, told in log lines and timelines."""

from typing import Final, NamedTuple

MOST_CHARACTERS: Final = 200
ANYONE: Final = "anyone"  # who asks where there are no API keys


class AskedBy(NamedTuple):
    """The correlation ID of the request, the name of the API key that it came with, and the operator's words."""

    requested_by: str
    caller: str = ""
    why: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """Of a log line; what is not known is left out."""
        return {name: value for name, value in self._asdict().items() if value}


def script_args(requested_by: str, caller: str, why: str) -> dict[str, str]:
    """What a script notes in the task's changes."""
    return {"requested_by": requested_by or "unknown", "caller": caller, "why": why}


def checked_why(text: str) -> str:
    """One line of at most 200 characters, without blanks around it; raises `ValueError`, which says what is wrong."""
    why = text.strip()
    if len(why) > MOST_CHARACTERS:
        raise ValueError(f"Must have at most {MOST_CHARACTERS} characters, not {len(why)}")
    if not why.isprintable():
        raise ValueError("Must be one line without control characters")
    return why


def in_words(caller: str, why: str, request: str = "") -> str:
    """What follows `cancelled` and the like: ` by ops-key: wrong portfolio (request ABC-1)`, ` by request ABC-1`."""
    told = f": {why}" if why else ""
    if caller and caller != ANYONE:
        return f" by {caller}{told}" + (f" (request {request})" if request else "")
    return (f" by request {request}" if request else "") + told
