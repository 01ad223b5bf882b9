"""Which tasks the page is asked for: the API's filters, and what the page adds to them: `since` and `before`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import ValidationError

from monitor.page.moments import in_address
from monitor.page.tasks.address import TasksAddress
from throughline.ledger.list_cursor import InvalidCursor, cursor_of, place_of
from throughline.ledger.list_filters import ListFilters
from throughline.ledger.stored_task import StoredTask
from throughline.ledger.task_query import Place, TaskQuery
from throughline.time_span import seconds_of

_OWN: Final = ("since", "before")
_RANGE: Final = ("submitted_after", "submitted_before")


@dataclass(frozen=True)
class Asked:
    """`errors` say what is wrong with which parameter; with any, there is nothing to look for."""

    address: TasksAddress
    query: TaskQuery
    backwards: bool = False  # the page that ends before a task: looked for in the other order
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_first_page(self) -> bool:
        return self.query.after is None

    @property
    def fixed(self) -> TasksAddress:
        """The same list with the moment that `since` stands for now, so that its later pages are pages of one list."""
        if not self.address.get("since") or self.query.submitted_after is None:
            return self.address.changed({})
        return self.address.changed({"since": "", "submitted_after": in_address(self.query.submitted_after)})

    def page_after(self, task: StoredTask) -> TasksAddress:
        return self.fixed.placed("cursor", cursor_of(Place.of(task), self._forwards))

    def page_before(self, task: StoredTask) -> TasksAddress:
        return self.fixed.placed("before", cursor_of(Place.of(task), _reversed(self._forwards)))

    @property
    def _forwards(self) -> TaskQuery:
        return _reversed(self.query) if self.backwards else self.query


def asked(address: TasksAddress, now: float) -> Asked:
    """`now` in seconds since 1970: where `since` counts from."""
    own = {name: address.get(name) for name in _OWN}
    errors: dict[str, str] = {}
    told: dict[str, Any] = {name: address.get(name) for name in address.names if name not in _OWN}
    told |= {"status": list(address.all("status"))} if "status" in told else {}
    repeated = [name for name in address.names if name != "status" and len(address.all(name)) > 1]
    errors |= dict.fromkeys(repeated, "is given more than once")
    if own["before"] and "cursor" in told:
        errors["before"] = "cannot be combined with cursor"
    if own["since"]:
        errors |= _since(own["since"], told, now)
    try:
        query = ListFilters.model_validate(told).query()
    except ValidationError as wrong:
        errors |= {str(each["loc"][0]): _words(each) for each in wrong.errors()}
        return Asked(address, TaskQuery(), errors=errors)
    if own["before"] and not errors:
        try:
            back = _reversed(query)
            return Asked(address, back.beginning_after(place_of(own["before"], back)), backwards=True)
        except InvalidCursor as wrong:
            errors["before"] = f"{wrong}."
    return Asked(address, query, errors=errors)


def _since(text: str, told: dict[str, Any], now: float) -> dict[str, str]:
    """Puts it into `told` as the moment that it stands for; what is wrong with it otherwise."""
    given = [name for name in _RANGE if name in told]
    if given:
        return {"since": f"cannot be combined with {given[0]}"}
    try:
        told["submitted_after"] = in_address(math.floor(now - seconds_of(text)))
    except ValueError as wrong:
        return {"since": str(wrong)}
    return {}


def _reversed(query: TaskQuery) -> TaskQuery:
    return replace(query, newest_first=not query.newest_first, after=None)


def _words(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return f"there is no such filter; there are {', '.join(each for each in ListFilters.model_fields)} and since"
    words = str(error["msg"]).removeprefix("Value error, ")
    return words[:1].lower() + words[1:]
