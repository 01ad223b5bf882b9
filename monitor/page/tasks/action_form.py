"""The form that asks for an action on chosen tasks: first to be confirmed, then, with the confirmation, to be done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import parse_qs

from starlette.requests import Request

from monitor.page.refusal import Refused
from monitor.page.tasks.actions import ACTIONS, MOST, Action, Outcome
from monitor.page.tasks.own_forms import FIELD
from monitor.page.tasks.way_back import WayBack, way_back
from throughline.client.errors import InvalidRequest
from throughline.client.requests import checked_task_id
from throughline.journey.quantities import format_count
from throughline.ledger.asked_by import checked_why

_MOST_BYTES: Final = 262_144  # 200 tasks whose IDs are as long as a stock client makes them, and the list's address
_MOST_FIELDS: Final = 1000


@dataclass(frozen=True)
class ActionForm:
    """What was sent; nothing of it has been checked."""

    token: str
    action: str
    task_ids: tuple[str, ...]
    confirmed: str  # a word of the confirmation's own; empty before that
    back: WayBack
    why: str = ""  # in the words of whoever confirms it

    @classmethod
    def parse(cls, body: bytes) -> Self:
        try:
            told = parse_qs(body.decode(), max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise Refused(400, "MALFORMED_FORM", "This is not a form of the page.") from None

        def one(name: str) -> str:
            return told.get(name, [""])[0]

        task_ids = tuple(dict.fromkeys(told.get("task", ())))
        return cls(
            one(FIELD), one("action"), task_ids, one("confirmed")[:64], way_back(one("back")), why_of(one("why"))
        )

    def wanted(self) -> Action:
        """The action; raises `Refused` that names what is wrong with the form."""
        action = ACTIONS.get(self.action)
        if action is None:
            raise _wrong(f"action: there is no {self.action[:40]!r}; there are {', '.join(ACTIONS)}.")
        if not self.task_ids:
            raise _wrong("task: none was chosen. Go back and choose at least one.")
        if len(self.task_ids) > MOST:
            raise _wrong(f"task: {len(self.task_ids)} were chosen; at most {MOST} at a time.")
        try:
            for task_id in self.task_ids:
                checked_task_id(task_id)
        except InvalidRequest as invalid:
            raise _wrong(f"task: {invalid}") from None
        return action


@dataclass(frozen=True)
class ActionView:
    """The page before the action, which asks, or after it, which tells what became of each task."""

    heading: str
    means: str
    back: WayBack
    action: Action
    task_ids: tuple[str, ...]
    once: str = ""
    outcomes: tuple[Outcome, ...] = ()
    correlation_id: str = ""


def confirmation(form: ActionForm, action: Action, once: str) -> ActionView:
    heading = action.question(len(form.task_ids))
    return ActionView(heading, action.means, form.back, action, form.task_ids, once=once)


def result(form: ActionForm, action: Action, outcomes: Sequence[Outcome], correlation_id: str) -> ActionView:
    done = sum(outcome.done for outcome in outcomes)
    refused = len(outcomes) - done
    heading = f"{action.verb}: {done:,} of {format_count(len(outcomes), 'task')} done"
    means = (
        ""
        if not refused
        else f"{format_count(refused, 'task')} {'was' if refused == 1 else 'were'} not: see why below."
    )
    return ActionView(
        heading, means, form.back, action, form.task_ids, outcomes=tuple(outcomes), correlation_id=correlation_id
    )


async def body_of(request: Request) -> bytes:
    """The whole body; raises `Refused` as soon as it is longer than any form of the page."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", "This is not a form of the page.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise Refused(413, "PAYLOAD_TOO_LARGE", f"The form is longer than {_MOST_BYTES:,} bytes.")
    return bytes(body)


def why_of(text: str) -> str:
    """Raises `Refused` for words that the API would refuse."""
    try:
        return checked_why(text)
    except ValueError as wrong:
        raise _wrong(f"why: {wrong}. Go back and shorten it.") from None


def _wrong(detail: str) -> Refused:
    return Refused(422, "VALIDATION_FAILED", detail)
