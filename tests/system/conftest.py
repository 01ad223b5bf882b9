"""The nine, started once for all system tests."""

from collections.abc import Iterator

import pytest

from tests.system.nine import Nine


@pytest.fixture(scope="session")
def nine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nine]:
    """All nine, healthy. A test that stops or kills some leaves them healthy again."""
    with Nine(tmp_path_factory.mktemp("nine") / "var") as running:
        yield running
