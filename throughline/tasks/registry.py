"""The tasks that this installation has: those of the modules in TASK_MODULES and of installed packages."""

import importlib
import traceback
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

from throughline.errors import WrongTask
from throughline.settings import BrokerSettings
from throughline.tasks.declaration import check_all_decorated, declared
from throughline.tasks.task_type import TaskType

ENTRY_POINTS: Final = "throughline.tasks"
_NOT_THE_MODULES: Final = (str(Path(__file__).parent), str(Path(importlib.__file__).parent), "<frozen importlib")


class Registry(Mapping[str, TaskType]):
    """Task types by name, in the order of their declaration."""

    def __init__(self, task_types: Iterable[TaskType]) -> None:
        self._types = {task_type.name: task_type for task_type in task_types}
        self.discriminators = frozenset({"task_type"}.union(*(each.discriminators for each in self._types.values())))

    def __getitem__(self, name: str) -> TaskType:
        return self._types[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)


@lru_cache(maxsize=1)
def registry() -> Registry:
    """The tasks of this process, found once; a wrong one ends it with a line that says which and where."""
    try:
        return load(BrokerSettings.load().task_modules)
    except WrongTask as wrong:
        raise SystemExit(str(wrong)) from None


def load(modules: str) -> Registry:
    """The tasks of these modules (a comma between two) and of all entry points; raises `WrongTask`."""
    for name in filter(None, map(str.strip, modules.split(","))):
        _import(name)
    for entry_point in entry_points(group=ENTRY_POINTS):
        _load(entry_point)
    check_all_decorated()
    for task_type in declared.values():
        task_type.check_model()
    if not declared:
        raise WrongTask(f"Wrong task modules: there is no task in TASK_MODULES={modules!r}, nor in any entry point")
    return Registry(declared.values())


def _import(name: str) -> None:
    if name.endswith(".py"):
        raise WrongTask(f"Wrong task module: TASK_MODULES holds {name!r}: leave out the .py")
    if not all(part.isidentifier() for part in name.split(".")):
        raise WrongTask(f"Wrong task module: TASK_MODULES holds {name!r}, which is no module's name (as in my.tasks)")
    try:
        import_module(name)
    except (WrongTask, KeyboardInterrupt):
        raise
    except BaseException as error:  # whatever it is (SystemExit too): the module cannot be used
        raise _unusable(f"{name} (in TASK_MODULES)", error) from error


def _load(entry_point: EntryPoint) -> None:
    try:
        entry_point.load()
    except (WrongTask, KeyboardInterrupt):
        raise
    except BaseException as error:
        package = f" of {entry_point.dist.name}" if entry_point.dist else ""
        name = f"{entry_point.value} (entry point {entry_point.name!r} in {ENTRY_POINTS}{package})"
        raise _unusable(name, error) from error


def _unusable(name: str, error: BaseException) -> WrongTask:
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    what = f"{type(error).__name__}: {' '.join(message.split())}".removesuffix(": ")
    return WrongTask(f"Wrong task module: {name} does not import: {what}{_where(error)}")


def _where(error: BaseException) -> str:
    """The line of the module that it broke off at; not that of Python's own import, nor of `task()`."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({error.filename}, line {error.lineno})"
    frames = [
        each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith(_NOT_THE_MODULES)
    ]
    return f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
