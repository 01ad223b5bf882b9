"""What unit tests share: a folder of log lines and spans as the nine write them."""

from pathlib import Path

import pytest

from tests.unit.test_journey_sample import Sample


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return Sample(tmp_path / "var")
