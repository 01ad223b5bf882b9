"""Both clients in one shape, so that each test runs with both."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from throughline.client import AsyncClient, Client


class RunToItsEnd:
    """AsyncClient or its handle, with each coroutine run to its end and each iterator to a list."""

    def __init__(self, awaited: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._awaited = awaited
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._awaited, name)
        return self._call(found) if inspect.ismethod(found) else found

    def _call(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            return self._shown(self._loop.run_until_complete(_ended(method(*arguments, **options))))

        return call

    def _shown(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._shown(each) for each in value]
        return RunToItsEnd(value, self._loop) if hasattr(value, "task_id") and hasattr(value, "timeline") else value

    def __enter__(self) -> "RunToItsEnd":
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(self._awaited.close())
        self._loop.close()


async def _ended(value: Any) -> Any:
    if inspect.isasyncgen(value):
        return [each async for each in value]
    return await value if inspect.isawaitable(value) else value


def blocking(url: str, **options: Any) -> Any:
    return Client(url, **options)


def awaited(url: str, **options: Any) -> Any:
    return RunToItsEnd(AsyncClient(url, **options), asyncio.new_event_loop())
