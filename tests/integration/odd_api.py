"""The api with routes that no api should have: one that fails, one that fails half-way, one that never ends."""

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse

from api.main import app

SECRET = "AAPL-150"


@app.get("/fails")
async def fails() -> None:
    raise RuntimeError(SECRET)


@app.get("/fails-half-way")
async def fails_half_way() -> StreamingResponse:
    return StreamingResponse(_half())


@app.get("/never-ends")
async def never_ends() -> StreamingResponse:
    return StreamingResponse(_for_ever())


async def _half() -> AsyncIterator[bytes]:
    yield b"half"
    raise RuntimeError(SECRET)


async def _for_ever() -> AsyncIterator[bytes]:
    while True:
        yield b"more"
        await asyncio.sleep(0.05)
