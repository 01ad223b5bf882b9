"""The messages of failed tasks' errors. They may hold what a task worked on, so the log has none; the API has them."""

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from throughline.journey.failure import failures_without_error
from throughline.journey.journey import Journey
from throughline.local.run import CannotRun

_SECONDS: Final = 1.0  # the journey is worth showing without them
_MOST: Final = 100


def with_error_messages(found: Journey) -> Journey:
    """Asks the API once, and only when a message is missing; without its answer the journey stays as it is."""
    missing = {task.task_id for task in failures_without_error(found.tasks)}
    errors = _asked(found.correlation_id, missing) if missing else {}
    return found.with_errors(errors) if errors else found


def _asked(correlation_id: str, task_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Class and message by task."""
    # Imported here, so that a journey without failures does not wait for an HTTP client to load.
    from throughline.cli import service  # noqa: PLC0415
    from throughline.client import Client  # noqa: PLC0415
    from throughline.client.errors import ThroughlineError  # noqa: PLC0415

    wanted, key = set(task_ids), os.environ.get("THROUGHLINE_API_KEY") or None
    with (
        suppress(ThroughlineError, CannotRun),
        Client(service.url(), api_key=key, timeout=_SECONDS, deadline=_SECONDS) as client,
    ):
        listed = [each.listed for each in client.tasks(correlation_id=correlation_id, status=["FAILURE"], limit=_MOST)]
        told = {str(each["task_id"]): each.get("error") or {} for each in listed}
        return {
            task_id: (str(error.get("type") or ""), str(error["message"]))
            for task_id, error in told.items()
            if error.get("message") and task_id in wanted
        }
    return {}
