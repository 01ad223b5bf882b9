"""`throughline demo`: the nine, one request, its journey."""

import time
from argparse import Namespace
from typing import Any, Final

from rich.console import Console

from throughline.cli import nine, service
from throughline.cli.command_name import command_name
from throughline.cli.journey import draw
from throughline.cli.terminal import terminal
from throughline.journey import Journey, assemble, find, is_complete
from throughline.local.run import CannotRun, var_dir

_DATA: Final = {"portfolio_data": {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]}}
_ANOTHER: Final = '{"positions": [{"symbol": "MSFT", "quantity": 10, "price": 400}]}'
_RESULT_SECONDS: Final = 60
_JOURNEY_SECONDS: Final = 3
_POLL_SECONDS: Final = 0.1


def demo(arguments: Namespace) -> int:
    """Starts the nine if need be, sends the request, waits for its result, draws its way."""
    nine.up(arguments)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"\nAsking for the value at risk of 100 AAPL at 150.00, as [bold]{arguments.id}[/bold]:")
    with service.client(service.local_url()) as client:
        submitted = client.submit("calculate_var", _DATA, priority="high", correlation_id=arguments.id)
        task = submitted.wait(_RESULT_SECONDS)
    console.print(f"201, task {task['task_id']}: {task['status']}")
    console.print(f"{_in_words(task)}\n")
    draw(_complete_journey(arguments.id, task["task_id"]), terminal())
    console.print("\n".join(_next_steps(arguments.id)))
    return int(task["status"] != "SUCCESS")


def _in_words(task: dict[str, Any]) -> str:
    if task["status"] != "SUCCESS":
        return str(task.get("error") or "")
    result = task["result"]
    loss, value = f"{result['var_amount']:,.2f}", f"{result['portfolio_value']:,.2f}"
    days, confidence = result["time_horizon"], f"{result['confidence_level']:.0%}"
    return (
        f"With {confidence} confidence it loses no more than [bold]{loss}[/bold] of its {value} in {days} trading days."
    )


def _complete_journey(correlation_id: str, task_id: str) -> Journey:
    """This task's alone, though the ID may have been used before. Its last spans are written after the answer."""
    deadline = time.monotonic() + _JOURNEY_SECONDS
    while True:
        found = assemble(correlation_id, find(var_dir(), correlation_id)).of_task(task_id)
        if is_complete(found):
            return found
        if time.monotonic() > deadline:
            raise CannotRun(f"No complete journey of task {task_id} was written within {_JOURNEY_SECONDS} s.")
        time.sleep(_POLL_SECONDS)


def _next_steps(correlation_id: str) -> list[str]:
    name = command_name()
    return [
        "",
        "Where to go next:",
        f"  {name} journey {correlation_id} --logs",
        f"  {name} submit calculate_var --data '{_ANOTHER}' --wait",
        f"  {name} status",
        f"  {service.local_url()}/journeys/{correlation_id}  the same as a page, live",
        f"  {service.local_url()}/docs     the API, to try out",
        f"  {service.local_url()}/metrics  for Prometheus",
        "  make down",
    ]
