"""The stack, up once for all its tests, and what they measured, at the end in docs/benchmarks.md."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.stack import ROOT, Stack

_PAGE = ROOT / "docs" / "benchmarks.md"
_HEADING = "## The stack"


_sections: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for section in _sections:
        terminalreporter.write_line(section)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="session")
def measured(stack: Stack) -> Iterator[dict[str, str]]:
    """What was measured → how much. Printed; in a developer's checkout also written down."""
    found = {"`up` to healthy, images built": f"{stack.seconds_to_healthy:.0f} s"}
    yield found
    rows = "\n".join(f"| {what} | {value} |" for what, value in found.items())
    section = f"{_HEADING}\n\nMeasured by `make test-stack` on {os.cpu_count()} cores.\n\n"
    section += f"| what | measured |\n| --- | --- |\n{rows}\n"
    _sections.append(section)
    if "CI" not in os.environ:
        _write_down(section)


def _write_down(section: str) -> None:
    page = _PAGE.read_text(encoding="utf-8") if _PAGE.exists() else "# Benchmarks\n"
    others = re.sub(rf"\n*{_HEADING}\n.*?(?=\n## |\Z)", "\n", page, flags=re.DOTALL).rstrip("\n")
    _PAGE.write_text(f"{others}\n\n{section}", encoding="utf-8")
