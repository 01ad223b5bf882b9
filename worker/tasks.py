"""The four tasks, as Celery knows them: each runs its calculation, observed and stoppable between its chunks."""

from collections.abc import Callable
from typing import Any

from celery import Task
from celery.exceptions import Ignore

from risk.calculate_var import run as var_task
from risk.monte_carlo_pricing import run as pricing_task
from risk.portfolio_optimization import run as optimization_task
from risk.quant.checkpoint import Checkpoint
from risk.stress_test import run as stress_task
from risk.task_types import TaskType
from throughline.errors import PermanentTaskError, TaskCancelled
from worker import telemetry
from worker.app import app
from worker.checkpoint import TaskCheckpoint

Run = Callable[[Any, Checkpoint], dict[str, Any]]


def _calculated(task: Task, run: Run, data: Any) -> dict[str, Any]:
    try:
        return run(data, TaskCheckpoint(app.backend.client, task.request.id))
    except TaskCancelled as cancelled:
        app.backend.mark_as_revoked(task.request.id, str(cancelled), request=task.request)
        telemetry.cancelled(task)
        raise Ignore from None  # its state is stored: Celery shall add none


@app.task(name=TaskType.CALCULATE_VAR, bind=True, throws=(PermanentTaskError,))
def calculate_var(self: Task, data: dict[str, Any]) -> dict[str, Any]:
    """Value at risk and expected shortfall of a portfolio."""
    return _calculated(self, var_task.run, data)


@app.task(name=TaskType.MONTE_CARLO_PRICING, bind=True, throws=(PermanentTaskError,))
def monte_carlo_pricing(self: Task, data: dict[str, Any]) -> dict[str, Any]:
    """Price and sensitivities of an option."""
    return _calculated(self, pricing_task.run, data)


@app.task(name=TaskType.PORTFOLIO_OPTIMIZATION, bind=True, throws=(PermanentTaskError,))
def portfolio_optimization(self: Task, data: dict[str, Any]) -> dict[str, Any]:
    """The best weights."""
    return _calculated(self, optimization_task.run, data)


@app.task(name=TaskType.STRESS_TEST, bind=True, throws=(PermanentTaskError,))
def stress_test(self: Task, data: dict[str, Any]) -> dict[str, Any]:
    """Profit and loss under shocks."""
    return _calculated(self, stress_task.run, data)
