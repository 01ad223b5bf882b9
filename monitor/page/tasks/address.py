"""The address of a list of tasks: its filters as they were typed, and the links that change one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import parse_qsl, urlencode

PATH: Final = "/tasks"
MOST_FILTERS: Final = 100
PLACES: Final = ("cursor", "before")  # they name a place in the list of these filters, and in no other


@dataclass(frozen=True)
class TasksAddress:
    """The parameters of the address in their order; one without a value says nothing and is left out."""

    params: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, params: Sequence[tuple[str, str]]) -> Self:
        return cls(tuple((name, value.strip()) for name, value in params if value.strip()))

    @classmethod
    def parse(cls, query: str) -> Self:
        """From what follows the question mark."""
        return cls.of(parse_qsl(query, max_num_fields=MOST_FILTERS))

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.params if key == name)

    def get(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name, _ in self.params))

    @property
    def query(self) -> str:
        return urlencode(self.params)

    @property
    def url(self) -> str:
        return f"{PATH}?{self.query}" if self.params else PATH

    def changed(self, changes: Mapping[str, str]) -> Self:
        """The same list with these parameters instead, from its beginning unless they name a place."""
        kept = [(name, value) for name, value in self.params if name not in changes and name not in PLACES]
        return self.of([*kept, *changes.items()])

    def placed(self, name: str, cursor: str) -> Self:
        """A later or an earlier page of this list."""
        return self.changed({name: cursor})

    def between(self, since: str, until: str) -> Self:
        """Narrowed down to a range of time."""
        return self.changed({"since": "", "submitted_after": since, "submitted_before": until})

    def without(self, name: str, value: str) -> Self:
        """Without one of its filters."""
        return self.of([pair for pair in self.params if pair != (name, value) and pair[0] not in PLACES])
