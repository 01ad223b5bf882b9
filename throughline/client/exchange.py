"""What passes between the calls, which decide, and a client, which sends: neither blocks nor awaits anything itself.

A call is a generator. It yields a `Request` or a `Pause`, is resumed with what became of it, and returns the result.
`Client` and `AsyncClient` run the same calls; only the sending and the pausing differ.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """One HTTP request; `seconds` is how long all of its answer may take."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    seconds: float = 10.0

    def within(self, seconds: float) -> Self:
        return replace(self, seconds=min(self.seconds, seconds))


@dataclass(frozen=True)
class Pause:
    """Nothing is sent for this long."""

    seconds: float


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, whole; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Lost:
    """No whole answer came; `final` when none will come however often one asks."""

    reason: str
    final: bool = False


Call = Generator[Request | Pause, Answer | Lost | None, T]
