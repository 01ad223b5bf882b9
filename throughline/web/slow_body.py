"""A request's body has its time: a client that sends a byte now and then must not hold a request for ever."""

import asyncio
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

SECONDS: Final = 30  # for all of it; NGINX, which has collected it, sends it at once
CLOSE: Final = {"Connection": "close"}  # with a refusal before a body's end: what is left of it is no request


def in_time(receive: Receive) -> Receive:
    """The body as it is read; raises the one error that FastAPI lets through from there."""
    deadline: float | None = asyncio.get_running_loop().time() + SECONDS

    async def received() -> Message:
        nonlocal deadline
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, "The request body did not arrive in time.", CLOSE) from None
        if not message.get("more_body"):
            deadline = None  # what is received from here on is that the client leaves
        return message

    return received
