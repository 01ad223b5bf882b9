"""Follows a task: a view of it for each change, until it has ended or the time is up."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from api.services.task_view import TaskView

LOOK_EVERY_SECONDS: Final = 0.2
HEARTBEAT_SECONDS: Final = 10.0  # below the time after which proxies close an idle connection
LONGEST_SECONDS: Final = 300.0  # then the client connects again: a stream that nobody reads must not live for ever


async def changes(
    find: Callable[[], Awaitable[TaskView]],
    *,
    look_every: float = LOOK_EVERY_SECONDS,
    heartbeat: float = HEARTBEAT_SECONDS,
    longest: float = LONGEST_SECONDS,
) -> AsyncIterator[TaskView | None]:
    """The task at once and after each change; None as a heartbeat when nothing changes for long."""
    ends = time.monotonic() + longest
    before: TaskView | None = None
    spoke = 0.0
    while True:
        task = await find()
        if before is None or _seen(task) != _seen(before):
            before, spoke = task, time.monotonic()
            yield task
        elif time.monotonic() - spoke >= heartbeat:
            spoke = time.monotonic()
            yield None
        if task.status.is_final or time.monotonic() >= ends:
            return
        await asyncio.sleep(look_every)


def _seen(task: TaskView) -> tuple[object, ...]:
    return task.status, len(task.attempts), task.progress
