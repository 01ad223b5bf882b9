"""Many POSTs at the same moment, each on a connection opened before: faster than a client library can send them."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: dict[str, Any]


def post_at_once(urls: Sequence[str], number: int, task: Mapping[str, Any], **headers: str) -> list[Answer]:
    """`number` POSTs of the task to /api/v1/tasks, the URLs in turn; a keyword is a header (`Idempotency_Key`)."""
    body = json.dumps(task).encode()
    lines = [
        "POST /api/v1/tasks HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    request = "\r\n".join([*lines, "", ""]).encode() + body
    return asyncio.run(_send([urls[n % len(urls)] for n in range(number)], request))


async def _send(urls: Sequence[str], request: bytes) -> list[Answer]:
    async with asyncio.timeout(_SECONDS):
        open_ = [await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port) for url in urls]
        for _, writer in open_:
            writer.write(request)
        received = await asyncio.gather(*(reader.read() for reader, _ in open_))
    for _, writer in open_:
        writer.close()
    return [_parsed(each) for each in received]


def _parsed(received: bytes) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(first.split()[1]), headers, json.loads(body))
