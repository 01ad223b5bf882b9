"""Locust's file of `make load PROFILE=overload`: more than the workers can do until the circuit breaker opens, then few
requests until it has closed."""

import time
from typing import Any, Final

from locust import LoadTestShape

from tests.load.users import Caller

_CALM: Final = 2
_FLOOD: Final = 100
_MOST_SECONDS: Final = 300
_SETTLED_SECONDS: Final = 2.0
_POSITIONS: Final = [{"symbol": f"S{number}", "quantity": 1, "price": 100.0} for number in range(20)]
_HEAVY: Final[dict[str, Any]] = {  # some 100 ms of one core
    "task_type": "calculate_var",
    "data": {"positions": _POSITIONS, "distribution": "lognormal", "simulations": 100_000},
}


class Breaker:
    """The breaker's state as the clients have seen it. An answer from before it opened may arrive after a refusal."""

    opened = closed_again = False
    _last_open = 0.0

    def see(self, state: str) -> None:
        if state == "open":
            self.opened, self._last_open = True, time.monotonic()
        elif state == "closed" and self.opened and time.monotonic() - self._last_open > _SETTLED_SECONDS:
            self.closed_again = True


_breaker = Breaker()


class Client(Caller):
    """Submits heavy tasks without waiting for them; every other request looks at the breaker."""

    def what_to_submit(self) -> list[dict[str, Any]]:
        return [_HEAVY]

    def ask(self) -> None:
        self.task_id = ""
        answer = self.client.get("/api/v1/queues", name="queues")
        if answer.status_code == 200:
            _breaker.see(answer.json()["circuit"])

    def is_expected(self, answer: Any) -> bool:
        if answer.status_code != 503 or answer.json()["code"] != "CIRCUIT_OPEN":
            return False
        _breaker.see("open")
        self.task_id = "none was taken"  # the next turn looks at the breaker
        answer.success()
        return True


class UntilClosedAgain(LoadTestShape):
    """Much load until the breaker is seen open, then little until it is seen closed."""

    def tick(self) -> tuple[int, float] | None:
        if _breaker.closed_again or self.get_run_time() > _MOST_SECONDS:
            return None
        return (_CALM if _breaker.opened else _FLOOD, _FLOOD)
