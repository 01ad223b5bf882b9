"""Locust's file of `make load PROFILE=overload`: more than the workers can do until the circuit breaker opens, then few
requests until it has closed."""

from typing import Any, Final

from locust import LoadTestShape

from tests.load.users import Caller

_CALM: Final = 2
_FLOOD: Final = 100
_MOST_SECONDS: Final = 300
_POSITIONS: Final = [{"symbol": f"S{number}", "quantity": 1, "price": 100.0} for number in range(20)]
_HEAVY: Final[dict[str, Any]] = {  # some 100 ms of one core
    "task_type": "calculate_var",
    "data": {"positions": _POSITIONS, "distribution": "lognormal", "simulations": 100_000},
}


class Breaker:
    """What the clients have seen of it."""

    opened = closed_again = False

    def see(self, state: str) -> None:
        self.opened |= state == "open"
        self.closed_again |= self.opened and state == "closed"


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
    """A flood until the breaker is seen open, then a trickle until it is seen closed."""

    def tick(self) -> tuple[int, float] | None:
        if _breaker.closed_again or self.get_run_time() > _MOST_SECONDS:
            return None
        return (_CALM if _breaker.opened else _FLOOD, _FLOOD)
