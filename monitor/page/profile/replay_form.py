"""The form that asks to replay all dead letters of one error: which they are, and what is said before it is done."""

from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import parse_qs

from monitor.page.profile.error_groups import Groups
from monitor.page.refusal import Refused
from monitor.page.tasks.action_form import ActionView
from monitor.page.tasks.actions import ACTIONS, MOST
from monitor.page.tasks.own_forms import FIELD
from monitor.page.tasks.way_back import way_back
from throughline.journey.quantities import format_count

_MOST_FIELDS: Final = 20
_SHOWN: Final = 200  # characters of the message in a heading


@dataclass(frozen=True)
class ReplayForm:
    """The error and the time within which its tasks ended, as the page of errors has them."""

    token: str
    error_type: str
    message: str
    since: str
    until: str
    task_type: str
    back: str

    @classmethod
    def parse(cls, body: bytes) -> Self:
        try:
            told = parse_qs(body.decode(), max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise Refused(400, "MALFORMED_FORM", "This is not a form of the page.") from None
        names = (FIELD, "error_type", "message", "since", "until", "task_type", "back")
        return cls(*(told.get(name, [""])[0] for name in names))

    def confirmation(self, found: Groups, once: str) -> ActionView:
        """At most one batch at a time; the page of errors offers the rest once these are back in their queues."""
        dead = found.dead_letters.of(self.error_type, self.message)
        failed = sum(
            each.count for each in found.groups if (each.error_type, each.shape) == (self.error_type, self.message)
        )
        batch, action = dead[:MOST], ACTIONS["replay"]
        return ActionView(
            _heading(self.error_type, len(batch), len(dead), found.dead_letters.more),
            " ".join(_means(self.message, len(batch), len(dead), failed, found.dead_letters.more)),
            way_back(self.back),
            action,
            batch,
            once=once,
        )


def _heading(error_type: str, batch: int, dead: int, more: bool) -> str:
    if not batch:
        return f"No dead letter of {error_type} is left"
    if batch == dead and not more:
        return f"Replay {'the' if batch == 1 else 'all'} {format_count(batch, 'dead letter')} of {error_type}?"
    return f"Replay {batch:,} of {dead:,}{' or more' if more else ''} dead letters of {error_type}?"


def _means(message: str, batch: int, dead: int, failed: int, more: bool) -> list[str]:
    said = [f"Their error: {message[:_SHOWN]}." if message else ""]
    if batch:
        said.append("Each goes back into its queue with all its deliveries and retries.")
    if batch < dead or more:
        said.append("The others can be replayed after these.")
    if failed > dead and not more:
        others = failed - dead
        said.append(
            f"{format_count(others, 'other task')} with this error {'is' if others == 1 else 'are'} no dead "
            f"{'letter' if others == 1 else 'letters'}, and {'stays' if others == 1 else 'stay'} as before."
        )
    return [each for each in said if each]
