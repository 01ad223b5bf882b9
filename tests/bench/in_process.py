"""Drives the api as the ASGI application that it is, in this process: what a submission costs in the api's own code.

    python -m tests.bench.in_process whole --profile

No HTTP server takes part, and Redis is another process, so the processor time of this one is the api's alone, whatever
else the machine does meanwhile. Eight submissions are under way at a time, as from eight connections; each is a task of
its own, as uvicorn has it. Log lines and spans go to files, as they would to a container's.
"""

import argparse
import asyncio
import gc
import importlib
import json
import logging
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import uvloop
from fastapi import FastAPI

from api.queue_service import QueueService
from tests.bench.api_server import empty_redis
from tests.bench.contenders import BODY, CONNECTIONS
from tests.bench.stack_samples import StackSamples
from throughline.ledger.submission import Decision, Submission

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

WITHOUT: Final = {
    "whole": "",
    "without-spans": "spans",
    "without-lines": "lines",
    "without-redis": "redis",
    "without-all-three": "spans lines redis",
    "fastapi-alone": "api",
    "driver-alone": "api",
}
HEADERS: Final = {"host": "localhost", "content-type": "application/json", "content-length": str(len(BODY))}
# What NGINX adds.
PASSED_ON: Final = {
    "x-request-id": "0af7651916cd43dd8448eb211c80319c",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
}
_WARM_UP: Final = 300


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.in_process", description=__doc__)
    parser.add_argument("variant", nargs="?", default="whole", choices=WITHOUT)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--redis-url", default="", help="an empty Redis; one is started for the run without it")
    parser.add_argument("--profile", action="store_true", help="says where the time goes, by sampling")
    parser.add_argument("--nginx", action="store_true", help="with the headers that NGINX passes on")
    chosen = parser.parse_args()
    extra = PASSED_ON if chosen.nginx else {}
    with redis_at(chosen.redis_url) as redis_url, tempfile.TemporaryDirectory() as folder:
        profile = StackSamples() if chosen.profile else None
        with _output_into(Path(folder, "log")) as said:
            application = _application(chosen.variant, redis_url, folder)
            seconds = uvloop.run(_driven(application, chosen.requests, HEADERS | extra, profile))
            os.write(said, f"{chosen.variant}: {seconds / chosen.requests * 1000:.3f} ms a request\n".encode())
            if profile:
                os.write(said, profile.table(chosen.requests).encode())


@contextmanager
def redis_at(url: str) -> Iterator[str]:
    if url:
        yield url
    else:
        with empty_redis() as started:
            yield started


@contextmanager
def _output_into(file: Path) -> Iterator[int]:
    """Standard output is the file in the block, from before anybody takes hold of it; yields what it was."""
    said = os.dup(1)
    with file.open("wb") as log:
        os.dup2(log.fileno(), 1)
    try:
        yield said
    finally:
        os.dup2(said, 1)
        os.close(said)


def _application(variant: str, redis_url: str, folder: str) -> Application:
    without = WITHOUT[variant].split()
    os.environ |= {"REDIS_URL": redis_url, "SPANS_DIR": folder, "VAR_DIR": folder, "CIRCUIT_MAX_DEPTH": "100000000"}
    os.environ["REDIS_TIMEOUT_SECONDS"] = "5"  # other work on the machine may hold Redis up
    if variant == "driver-alone":
        return _made_up
    if variant == "fastapi-alone":
        return _fastapi()
    if "spans" in without:
        os.environ["OTEL_SDK_DISABLED"] = "true"
    application: Application = importlib.import_module("api.main").app
    if "lines" in without:
        logging.disable()
    if "redis" in without:
        _make_up_decisions()
    return application


def _make_up_decisions() -> None:
    async def accepted(self: QueueService, submission: Submission) -> Decision:
        return Decision("accepted", position=1)

    QueueService.submit = accepted  # type: ignore[method-assign]


def _fastapi() -> Application:
    """A route of FastAPI's as its documentation has it, which does nothing."""
    app = FastAPI()

    @app.post("/api/v1/tasks", status_code=201)
    async def submit(task: dict[str, Any]) -> dict[str, str]:
        return {"task_id": "1", "status": "PENDING"}

    return app


async def _made_up(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        for what in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{what}.complete"})
        return
    await receive()
    await send({"type": "http.response.start", "status": 201, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


async def _driven(
    application: Application, number: int, headers: dict[str, str], profile: StackSamples | None
) -> float:
    """The seconds of processor time that so many submissions take this process, all of its threads together."""
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    async with _running(application):
        await _submissions(application, _WARM_UP, raw)
        gc.collect()
        before = time.process_time()
        if profile:
            with profile.taken():
                await _submissions(application, number, raw)
        else:
            await _submissions(application, number, raw)
        return time.process_time() - before


@asynccontextmanager
async def _running(application: Application) -> AsyncIterator[None]:
    """The application's lifespan around the block."""
    told: asyncio.Queue[Message] = asyncio.Queue()
    answers: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.3"}, "state": {}}

    async def tell(what: str) -> None:
        await told.put({"type": f"lifespan.{what}"})
        answer = await asyncio.wait_for(answers.get(), 30)
        if answer["type"] != f"lifespan.{what}.complete":
            raise RuntimeError(json.dumps(answer))

    living = asyncio.ensure_future(application(scope, told.get, answers.put))
    await tell("startup")
    yield
    await tell("shutdown")
    await living


async def _submissions(application: Application, number: int, headers: list[tuple[bytes, bytes]]) -> None:
    left = iter(range(number))

    async def one_after_the_other() -> None:
        for _ in left:
            await asyncio.create_task(_submission(application, headers))

    async with asyncio.timeout(120):
        await asyncio.gather(*(one_after_the_other() for _ in range(CONNECTIONS)))


async def _submission(application: Application, headers: list[tuple[bytes, bytes]]) -> None:
    """As uvicorn hands it over."""
    bodies = iter([BODY])
    status, answer = 0, b""
    answered = asyncio.Event()

    async def receive() -> Message:
        body = next(bodies, None)
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status, answer
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            answer = message["body"]
            answered.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50_000),
        "scheme": "http",
        "root_path": "",
        "headers": list(headers),
        "state": {},
        "method": "POST",
        "path": "/api/v1/tasks",
        "raw_path": b"/api/v1/tasks",
        "query_string": b"",
    }
    await application(scope, receive, send)
    if status != 201:
        raise RuntimeError(f"answered {status}: {answer.decode()}")


if __name__ == "__main__":
    main()
