"""A closed loop of POSTs on a few connections that stay open: how many a second, and how long each took."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

_SECONDS = 120


@dataclass(frozen=True)
class Load:
    per_second: float
    p50_ms: float
    p99_ms: float


def post(urls: str | Sequence[str], body: bytes, number: int, connections: int, rate: float = 0) -> Load:
    """`number` POSTs; `rate` a second in all, or as fast as they are answered. Any answer but 201 is an error.

    Several URLs get the connections in turn; their paths are the same.
    """
    return asyncio.run(_post([urls] if isinstance(urls, str) else urls, body, number, connections, rate))


async def _post(urls: Sequence[str], body: bytes, number: int, connections: int, rate: float) -> Load:
    servers = [urlsplit(url) for url in urls]
    headers = ["Host: localhost", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    request = "\r\n".join([f"POST {servers[0].path} HTTP/1.1", *headers, "", ""]).encode() + body
    took: list[float] = []
    left = iter(range(number))
    began = time.perf_counter()

    async def one_after_the_other(server: SplitResult) -> None:
        reader, writer = await asyncio.open_connection(server.hostname, server.port)
        for index in left:
            due = began + index / rate if rate else 0
            if due > time.perf_counter():
                await asyncio.sleep(due - time.perf_counter())
            sent = time.perf_counter()
            writer.write(request)
            await _answer(reader)
            took.append(time.perf_counter() - (due or sent))
        writer.close()

    async with asyncio.timeout(_SECONDS):
        await asyncio.gather(*(one_after_the_other(servers[i % len(servers)]) for i in range(connections)))
    seconds = time.perf_counter() - began
    took.sort()
    return Load(number / seconds, took[len(took) // 2] * 1000, took[len(took) * 99 // 100] * 1000)


async def _answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 201"):
        raise RuntimeError(f"answered {head[:200]!r}")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
    await reader.readexactly(int(length))
