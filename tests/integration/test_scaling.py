"""What the monitor tells whoever decides how many workers run: the work there is, and no zero for want of Redis."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests import plain_http
from tests.conftest import free_port
from throughline.ledger import keys, scripts
from throughline.ledger.scripts import Ledger


@pytest.fixture
def monitor(start, stoppable, wait_until):
    """A client of one that looks at Redis."""
    port = free_port()
    start("monitor", MONITOR_PORT=str(port), REDIS_URL=stoppable.url, SAMPLE_INTERVAL_SECONDS="0.2")
    with plain_http.client(f"http://127.0.0.1:{port}", timeout=20) as client:
        wait_until(lambda: _answers(client), 30, "the monitor answers")
        yield client


def _answers(client):
    try:
        return client.get("/scaling").status_code == 200
    except httpx.TransportError:
        return False


def work(monitor):
    answer = monitor.get("/scaling")
    assert answer.status_code == 200, answer.text
    return answer.json()


def fill(stoppable, high=0, medium=0, low=0):
    for queue, count in (("high", high), ("medium", medium), ("low", low)):
        for _ in range(count):
            stoppable.client.lpush(queue, json.dumps({"headers": {}}))


def beat(stoppable, worker, held="", slots=4):
    Ledger(stoppable.client)(scripts.beat(worker, slots=slots, held=held))


def metric(monitor, name):
    families = text_string_to_metric_families(monitor.get("/metrics").text)
    return {sample.name: sample.value for family in families for sample in family.samples}[name]


def test_outstanding_is_what_waits_and_what_live_workers_hold(monitor, stoppable, wait_until):
    fill(stoppable, high=1, medium=2, low=3)
    beat(stoppable, "worker-1", held="a b", slots=4)
    beat(stoppable, "worker-2", held="c", slots=6)
    beat(stoppable, "worker-3", held="d e f", slots=4)
    stoppable.client.zadd(keys.WORKERS, {"worker-3": stoppable.client.time()[0] - keys.WORKER_ALIVE_SECONDS - 1})
    stoppable.client.zadd(keys.DELAYED, {"waits-for-its-retry": stoppable.client.time()[0] + 3600})
    wait_until(lambda: work(monitor)["outstanding"] == 9, 20, "what is kept for a second is over")
    # The monitor's own sweep may meanwhile do what it likes with tasks that nobody knows: they are on no list.
    told = work(monitor)
    assert told["queues"] == {"high": 1, "medium": 2, "low": 3}
    assert (told["waiting"], told["in_flight"], told["slots"], told["workers"]) == (6, 3, 10, 2)


def test_it_counts_as_the_metrics_do(monitor, stoppable, wait_until):
    fill(stoppable, medium=7)
    beat(stoppable, "worker-1", held="a b", slots=3)
    wait_until(
        lambda: metric(monitor, "throughline_tasks_outstanding") == work(monitor)["outstanding"] == 9, 20, "same"
    )
    assert metric(monitor, "throughline_workers_slots") == 3


def test_nothing_to_do_is_a_zero(monitor):
    assert (work(monitor)["outstanding"], work(monitor)["slots"]) == (0, 0)


def test_many_that_ask_at_once_cost_redis_one_look(monitor, stoppable, wait_until):
    def looks():
        return stoppable.client.info("commandstats").get("cmdstat_llen", {"calls": 0})["calls"]

    before = looks()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: monitor.get("/scaling").status_code, range(200)))
    assert set(answers) == {200}
    assert looks() - before < 200  # three for each look, the monitor's own samples and sweeps included


def test_without_redis_there_is_no_number(monitor, stoppable, wait_until):
    stoppable.stop()
    wait_until(lambda: not _answers(monitor), 20, "what is kept for a second is over")
    answer = monitor.get("/scaling")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.json()["code"] == "BROKER_UNAVAILABLE"
    assert "outstanding" not in answer.json()
    stoppable.start()
    assert work(monitor)["outstanding"] == 0


def test_a_redis_that_takes_connections_and_answers_none_is_not_waited_for(monitor, stoppable, wait_until):
    os.kill(stoppable._server.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: monitor.get("/scaling", timeout=10).status_code == 503, 20, "it is not known")
    finally:
        os.kill(stoppable._server.pid, signal.SIGCONT)
    wait_until(lambda: _answers(monitor), 20, "it is known again")
