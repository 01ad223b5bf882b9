"""The stack, up once for all its tests, and what they measured, at the end in docs/benchmarks.md."""

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.command import ROOT
from tests.stack import mix
from tests.stack.mix import Happened
from tests.stack.stack import Stack

_PAGE = ROOT / "docs" / "benchmarks.md"
_HEADING = "## The stack"


_STACK = pytest.StashKey[Stack]()
_sections: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for section in _sections:
        terminalreporter.write_line(section)


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack")) as running:
        request.config.stash[_STACK] = running
        yield running


@pytest.fixture(scope="session")
def stack_stopped(request: pytest.FixtureRequest) -> None:
    """For the last tests, which need none of it: idle, it takes half the processor. Where it runs, for them it ends."""
    if running := request.config.stash.get(_STACK, None):
        running.compose("stop", "--timeout", "10")


@pytest.fixture(scope="session")
def happened(stack: Stack, wait_until: Callable[..., Any]) -> Happened:
    """The counted mix, sent once for all that is held against it."""
    return mix.send(stack, wait_until)


@pytest.fixture(scope="session")
def measured(stack: Stack) -> Iterator[dict[str, str]]:
    """What was measured → how much. Printed; in a developer's checkout also written down."""
    found = {"`up` to healthy, images built": f"{stack.seconds_to_healthy:.0f} s"}
    yield found
    _sections.append(_section(found))
    if "CI" not in os.environ:
        _write_down(found)


def _section(found: dict[str, str]) -> str:
    rows = "\n".join(f"| {what} | {value} |" for what, value in found.items())
    intro = f"{_HEADING}\n\nMeasured by `make test-stack` on {os.cpu_count()} cores.\n\n"
    return f"{intro}| what | measured |\n| --- | --- |\n{rows}\n"


def _write_down(found: dict[str, str]) -> None:
    """A run of some of the tests leaves what the others measured."""
    page = _PAGE.read_text(encoding="utf-8") if _PAGE.exists() else "# Benchmarks\n"
    own = re.compile(rf"\n*{_HEADING}\n.*?(?=\n## |\Z)", re.DOTALL)
    before = dict(re.findall(r"^\| (.+?) \| (.+) \|$", "".join(own.findall(page)), re.MULTILINE)[2:])
    others = own.sub("\n", page).rstrip("\n")
    _PAGE.write_text(f"{others}\n\n{_section(before | found)}", encoding="utf-8")
