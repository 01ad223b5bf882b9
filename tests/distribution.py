"""Which tests `pytest -n` gives to one process, and in which order: a file's, and all that share a set of the nine."""

from functools import cache
from pathlib import Path
from typing import Final

import pytest
from xdist.scheduler import LoadFileScheduling

_TESTS: Final = Path(__file__).parent
# What takes longest comes first: then the processes end at nearly the same time.
_FOLDERS: Final = ("system", "suites", "integration", "model")
# They start one for some tests, and share one for the others. Any other file does one or the other.
_BOTH: Final = {"test_local_run.py", "test_page.py"}


class SharedNine(LoadFileScheduling):  # type: ignore[misc]  # xdist ships no types
    """A set of the nine costs as much as a hundred tests: what shares it is not spread over the processes."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope(str(super()._split_scope(nodeid)))


@cache
def _scope(file: str) -> str:
    """Of a file as node IDs have it."""
    path = _TESTS.parent / file
    if path.parent == _TESTS / "suites":
        return "suites"
    shares = path.parent == _TESTS / "system" and (path.name in _BOTH or "Nine(" not in path.read_text())
    return "nine" if shares else file


def place(item: pytest.Item) -> int:
    """In the order of `pytest -n`."""
    folder = item.path.relative_to(_TESTS).parts[0]
    return _FOLDERS.index(folder) if folder in _FOLDERS else len(_FOLDERS)
