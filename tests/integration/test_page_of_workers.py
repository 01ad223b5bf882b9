"""The pages of a running monitor show what the ledger has of workers: the row, the death, the map."""

import re
import time
from pathlib import Path

import httpx
import pytest

from tests import plain_http
from tests.conftest import free_port
from tests.integration.story import Story
from throughline.ledger import deployments
from throughline.ledger.deployments import Instance
from throughline.ledger.states import Reason, Status
from throughline.ledger.workers import Facts


@pytest.fixture
def page(start, redis_url: str, tmp_path: Path, wait_until):
    """`page("/workers")`: the page of a monitor."""
    port = free_port()
    start("monitor", MONITOR_PORT=str(port), VAR_DIR=str(tmp_path), HISTORY_URL=f"sqlite:///{tmp_path}/history.sqlite")
    with plain_http.client(f"http://127.0.0.1:{port}", timeout=10) as client:

        def answers() -> bool:
            try:
                return client.get("/health/live").is_success
            except httpx.TransportError:
                return False

        wait_until(answers, 30, "the monitor answers")

        def got(path: str) -> str:
            answer = client.get(path)
            assert answer.status_code == 200
            return re.sub(r"\s+", " ", answer.text)

        yield got


def test_rows_deaths_and_map_are_what_the_ledger_has(broker, page):
    story = Story(broker)
    story.time = time.time()
    story.ledger(deployments.present([Instance("api", "fastapi-1", "1.4.0")]))
    ended, running = story.submit(), story.submit()
    lost = '{"process": 7, "cause": "signal", "detail": 9, "ago": 0}'
    story.beat(held=running, instance="a", facts=Facts("1.4.0", 50 * 1024**2).encode())
    story.take(ended)
    story.store(ended, Status.SUCCESS, Reason.RETURNED, attempt="1")
    story.take(running)
    story.beat(held=running, instance="a", facts=Facts("1.4.0", 50 * 1024**2).encode(), lost=[lost])

    workers = page("/workers")
    assert "1 worker alive, 1 of 4 slots busy" in workers
    for words in ("1 succeeded", "1 process lost", "50 MB", "killed by signal 9 (SIGKILL)", f"task={running}"):
        assert words in workers

    home = page("/")
    for sentence in ("worker-1: 1 of 4 busy", "fastapi-1: 1.4.0", "medium: empty", "NGINX: 0/s requests"):
        assert sentence in home
