"""What a request did to a task that an earlier one submitted: cancelled it, or replayed it as a dead letter."""

from collections.abc import Iterable, Sequence
from typing import Final

from throughline.journey.journey import Effect
from throughline.journey.log_placement import Line
from throughline.journey.role import Role
from throughline.journey.span import Span
from throughline.journey.task_changes import REPLAYED

_EFFECTS: Final = {"task.cancel_requested": "asked to stop", "task.cancelled": "cancelled", REPLAYED: "replayed"}


def effects_of(family: Sequence[Span], lines: Iterable[Line]) -> tuple[Effect, ...]:
    """`lines` are those placed under the request; they may carry the correlation ID of the task."""
    # A replica without spans of its own names NGINX's in its lines.
    api = {span.span_id for span in family if span.role in {Role.API, Role.NGINX}}
    own = {str(span.attributes.get("correlation_id", "")) for span in family if span.role is Role.API}
    found = [
        Effect(_EFFECTS[action], str(line.fields["task_id"]), str(line.fields.get("correlation_id", "")))
        for line in lines
        if (action := str(line.fields.get("event.action", ""))) in _EFFECTS
        and line.fields.get("task_id")
        # Written while the request was answered, or later by a worker, which names the request.
        and (str(line.fields.get("span.id", "")) in api or str(line.fields.get("requested_by", "")) in own)
    ]
    cancelled = {effect.task_id for effect in found if effect.action == "cancelled"}
    return tuple(
        dict.fromkeys(each for each in found if each.action != "asked to stop" or each.task_id not in cancelled)
    )
