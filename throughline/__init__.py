"""Throughline as its users import it: their own tasks on one side, a client that submits them on the other."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from throughline.client import AsyncClient, Client
    from throughline.errors import InvalidTaskData, PermanentError, TaskCancelled, TaskError, TemporaryError
    from throughline.tasks.charts import Bars, Curves, Histogram, Line, Mark, Points
    from throughline.tasks.declaration import task
    from throughline.tasks.run import Phase, Run
    from throughline.tasks.task_type import TaskType

__all__ = [
    "AsyncClient",
    "Bars",
    "Client",
    "Curves",
    "Histogram",
    "InvalidTaskData",
    "Line",
    "Mark",
    "PermanentError",
    "Phase",
    "Points",
    "Run",
    "TaskCancelled",
    "TaskError",
    "TaskType",
    "TemporaryError",
    "task",
]

# Loaded when first asked for: whoever imports the package for one thing does not wait for the others.
_HOME: Final = {
    "AsyncClient": "throughline.client",
    "Bars": "throughline.tasks.charts",
    "Client": "throughline.client",
    "Curves": "throughline.tasks.charts",
    "Histogram": "throughline.tasks.charts",
    "InvalidTaskData": "throughline.errors",
    "Line": "throughline.tasks.charts",
    "Mark": "throughline.tasks.charts",
    "PermanentError": "throughline.errors",
    "Phase": "throughline.tasks.run",
    "Points": "throughline.tasks.charts",
    "Run": "throughline.tasks.run",
    "TaskCancelled": "throughline.errors",
    "TaskError": "throughline.errors",
    "TaskType": "throughline.tasks.task_type",
    "TemporaryError": "throughline.errors",
    "task": "throughline.tasks.declaration",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
