"""Requests at a steady pace for a bounded time, each with its answer and how long it took."""

import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Final, Protocol

import httpx

TASK: Final = {
    "task_type": "calculate_var",
    "data": {
        "simulations": 1000,
        "portfolio_data": {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]},
    },
}
_SENDERS: Final = 8
_MOST_SECONDS: Final = 300


class Service(Protocol):
    """The stack in Docker, or a release on a cluster."""

    def http(self, **options: Any) -> httpx.Client:
        """A client of it, through NGINX."""


@dataclass
class Load:
    """What came of the requests, whose correlation IDs are `<prefix>-<number>`."""

    prefix: str
    seconds: list[float] = field(default_factory=list)
    accepted: dict[str, str] = field(default_factory=dict)  # correlation ID → task ID
    refused: list[str] = field(default_factory=list)
    submit_every: int = 1  # the other requests ask for the latest task
    latest: str = ""

    @property
    def p99(self) -> float:
        return percentile(self.seconds, 99)


def percentile(values: Sequence[float], percent: float) -> float:
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def send(service: Service, prefix: str, count: int, per_second: float) -> Load:
    """Sends them all; returns when the last is answered."""
    load = Load(prefix)
    _send(service, load, iter(range(count)), per_second)
    return load


def _send(service: Service, load: Load, numbers: Iterator[int], per_second: float) -> None:
    began, lock = time.monotonic(), threading.Lock()

    def sender() -> None:
        with service.http() as client:
            while (number := _next(numbers, lock)) is not None:
                time.sleep(max(0.0, began + number / per_second - time.monotonic()))
                _one(client, load, number)

    senders = [threading.Thread(target=sender) for _ in range(_SENDERS)]
    for thread in senders:
        thread.start()
    for thread in senders:
        thread.join()


@contextmanager
def sending(service: Service, prefix: str, count: int, per_second: float) -> Iterator[list[Load]]:
    """Sends them while the block runs, and waits for their end; the list then holds the load."""
    done: list[Load] = []
    thread = threading.Thread(target=lambda: done.append(send(service, prefix, count, per_second)))
    thread.start()
    try:
        yield done
    finally:
        thread.join()


@contextmanager
def sending_on(service: Service, prefix: str, per_second: float, submit_every: int) -> Iterator[Load]:
    """Sends as long as the block runs, for five minutes at most."""
    load, ended = Load(prefix, submit_every=submit_every), threading.Event()
    numbers = takewhile(lambda _: not ended.is_set(), range(int(_MOST_SECONDS * per_second)))
    thread = threading.Thread(target=_send, args=(service, load, numbers, per_second))
    thread.start()
    try:
        yield load
    finally:
        ended.set()
        thread.join()


def _one(client: httpx.Client, load: Load, number: int) -> None:
    began, correlation_id = time.monotonic(), f"{load.prefix}-{number}"
    headers = {"X-Request-ID": correlation_id}
    submits = number % load.submit_every == 0 or not load.latest
    try:
        if submits:
            answer = client.post("/api/v1/tasks", json=TASK, headers=headers)
        else:
            answer = client.get(f"/api/v1/tasks/{load.latest}", headers=headers)
    except httpx.HTTPError as error:
        load.refused.append(f"{correlation_id}: {type(error).__name__}: {error}")
        return
    load.seconds.append(time.monotonic() - began)
    if submits and answer.status_code == 201:
        load.latest = load.accepted[correlation_id] = answer.json()["task_id"]
    elif submits or answer.status_code != 200:
        load.refused.append(f"{correlation_id}: {answer.status_code} {answer.text[:300]}")


def _next(numbers: Iterator[int], lock: threading.Lock) -> int | None:
    with lock:
        return next(numbers, None)
