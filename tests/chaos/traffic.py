"""The load while something breaks: long tasks in flight, and quick ones arriving all the time."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx

from tests import plain_http
from tests.system.nine import Nine

QUICK: Final[dict[str, Any]] = {
    "task_type": "calculate_var",
    "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}], "simulations": 1_000},
    "priority": "high",
}
_POSITIONS: Final = [{"symbol": f"S{number}", "quantity": 1, "price": 100.0} for number in range(20)]
# Two seconds of one core's time, more when the cores are shared.
LONG: Final[dict[str, Any]] = {
    "task_type": "calculate_var",
    "data": {"positions": _POSITIONS, "distribution": "lognormal", "simulations": 500_000},
}


class Traffic:
    """Submits ten quick tasks a second from the first on to the end of the block."""

    def __init__(self, nine: Nine) -> None:
        self.submitted = 0
        self.accepted: list[str] = []
        self.failed = 0
        self.codes: Counter[str] = Counter()  # of the refusals
        self.timed_out: list[str] = []  # correlation IDs of what NGINX answered with a 504
        self.undone: set[str] = set()  # accepted, and not in an older copy of Redis that was put in its place
        self.rewound: set[str] = set()  # those that it has in an earlier state
        self._url = f"{nine.base_url}/api/v1/tasks"
        self._ended = threading.Event()
        self._sending = threading.Lock()
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def submit(self, task: dict[str, Any]) -> str | None:
        """The task's ID; None when it was not accepted."""
        self.submitted += 1
        try:
            answer = plain_http.post(self._url, json=task)
        except httpx.HTTPError:
            self.failed += 1
            return None
        if answer.status_code != 201:
            self.failed += 1
            self.codes[answer.json().get("code", str(answer.status_code))] += 1
            if answer.status_code == 504:
                self.timed_out.append(answer.headers["X-Request-ID"])
            return None
        self.accepted.append(str(answer.json()["task_id"]))
        return self.accepted[-1]

    def _go_on(self) -> None:
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            due = max(due + 0.1, time.monotonic() - 1)
            with self._sending:
                self.submit(QUICK)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """None of the quick tasks is under way to the API."""
        with self._sending:
            yield
