"""What unit tests share: a folder of log lines and spans as the nine write them, and a server of JSON answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.json_server import Server
from tests.unit.test_journey_sample import Sample
from throughline.journey.elasticsearch_client import Client


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return Sample(tmp_path / "var")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url, "throughline_reader", "secret", seconds=2) as opened:
        yield opened
