"""The chart's probes, asked of a real worker: they find one that stands still, not one that is busy or lacks Redis."""

import asyncio
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import NamedTuple

import psutil
import pytest
import yaml

from tests.integration.stoppable_redis import StoppableRedis
from tests.integration.test_redis_stops import submit
from tests.system.nine import ROOT
from throughline.ledger import keys

MODULE = "tests.integration.hanging_worker"
OPTIONS = ["-A", MODULE, "worker", "--without-gossip", "--without-mingle"]
TEMPLATE = ROOT / "deploy/helm/throughline/templates/_worker_probes.tpl"


class Probes:
    """The chart's commands, with the test's folder in the place of the pod's."""

    def __init__(self, folder):
        self.folder = folder
        self._began = folder / "container-began"
        self._began.touch()
        text = TEMPLATE.read_text(encoding="utf-8")
        body = text.partition('"throughline.workerProbes" -}}')[2].partition("{{- end -}}")[0]
        self._probes = yaml.safe_load(body)

    def passes(self, name):
        command = self._probes[f"{name}Probe"]["exec"]["command"]
        in_folder = [each.replace("/tmp/", f"{self.folder}/") for each in command]
        here = [each.replace("/dev/termination-log", str(self._began)) for each in in_folder]
        return subprocess.run(here, timeout=10, check=False, capture_output=True).returncode == 0

    def ages(self, seconds=58):
        """As if `alive` had been touched that long ago: a minute need not be waited for."""
        then = time.time() - seconds
        os.utime(self.folder / "alive", (then, then))

    def age(self):
        return time.time() - (self.folder / "alive").stat().st_mtime


@pytest.fixture
def probes(tmp_path):
    (tmp_path / "probes").mkdir()
    return Probes(tmp_path / "probes")


def settings(redis, probes):
    """Of a worker with four processes."""
    own = {"WORKER_CONCURRENCY": "4", "WORKER_SHUTDOWN_SECONDS": "1"}
    return own | {"REDIS_URL": redis.url, "PROBES_DIR": str(probes.folder)}


class Lasting(NamedTuple):
    worker: "subprocess.Popen[str]"
    probes: Probes
    redis: StoppableRedis


@pytest.fixture(scope="module")
def lasting(start_for_module, wait_until, tmp_path_factory):
    """A worker that is ready, which the last tests of this file share: the very last one hangs it."""
    folder = tmp_path_factory.mktemp("lasting")
    (folder / "probes").mkdir()
    probes, server = Probes(folder / "probes"), StoppableRedis(folder, wait_until)
    server.start()
    worker = start_for_module("celery", *OPTIONS, output=folder / "worker.log", **settings(server, probes))
    wait_until(lambda: probes.passes("readiness"), 60, "the worker is ready")
    yield Lasting(worker, probes, server)
    for process in [*psutil.Process(worker.pid).children(), worker]:
        process.kill()
    worker.wait(timeout=20)
    server.stop()


@contextmanager
def both_cores_busy():
    loads = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for load in loads:
            load.kill()
            load.wait()


def touched(probes, wait_until, what):
    """It was touched again after this moment."""
    probes.ages()
    wait_until(lambda: probes.age() < 50, 30, what)
    assert probes.passes("liveness")


def test_a_worker_is_live_while_it_starts_without_redis_and_ready_once_it_takes_tasks(
    start, stoppable, probes, wait_until, tmp_path
):
    stoppable.stop()
    start("celery", *OPTIONS, output=tmp_path / "worker.log", **settings(stoppable, probes))
    wait_until(lambda: probes.passes("startup"), 60, "it has imported what it runs")
    touched(probes, wait_until, "it lives while it waits for Redis")
    assert not probes.passes("readiness")
    stoppable.start()
    wait_until(lambda: probes.passes("readiness"), 60, "it is ready")


def test_a_container_that_begins_again_is_not_taken_for_the_one_before(probes):
    for name in ("alive", "ready"):
        (probes.folder / name).touch()
        then = time.time() - 5
        os.utime(probes.folder / name, (then, then))
    assert [probes.passes(name) for name in ("startup", "readiness", "liveness")] == [False, False, True]


def test_a_folder_that_cannot_be_written_ends_a_worker_with_one_line(start, stoppable, tmp_path):
    folder = tmp_path / "none" / "there"
    worker = start("celery", *OPTIONS, REDIS_URL=stoppable.url, PROBES_DIR=str(folder))
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode != 0
    (line,) = [line for line in output.splitlines() if "PROBES_DIR" in line]
    assert line == f"Wrong setting: PROBES_DIR: {folder} holds no file of ours: No such file or directory"
    assert "Traceback" not in output


def test_a_worker_that_runs_four_long_tasks_on_busy_cores_is_live(lasting, wait_until):
    tasks = [asyncio.run(submit(lasting.redis.url, 60)) for _ in range(4)]
    for task in tasks:
        wait_until(lambda task=task: lasting.redis.client.hget(keys.task(task), "status") == "STARTED", 20, "it runs")
    with both_cores_busy():
        for _ in range(2):
            touched(lasting.probes, wait_until, "it lives while it is busy")


def test_a_worker_whose_redis_is_away_is_live_and_ready(lasting, wait_until):
    asyncio.run(submit(lasting.redis.url, 60))
    lasting.redis.stop()
    for _ in range(3):  # for longer than a main loop may stand still without a reason
        touched(lasting.probes, wait_until, "it lives while Redis is away")
    assert lasting.probes.passes("readiness")
    lasting.redis.start()


def test_a_worker_that_stands_still_is_found(lasting, wait_until):
    lasting.worker.send_signal(signal.SIGSTOP)
    lasting.probes.ages(61)
    assert not lasting.probes.passes("liveness")
    lasting.worker.send_signal(signal.SIGCONT)
    wait_until(lambda: lasting.probes.passes("liveness"), 30, "it goes on")


def test_a_worker_whose_main_loop_hangs_is_found_though_its_threads_go_on(lasting, wait_until):
    touched(lasting.probes, wait_until, "its main loop turns")
    lasting.worker.send_signal(signal.SIGUSR2)
    wait_until(lambda: lasting.probes.age() > 15, 40, "it is not touched any more")
    lasting.probes.ages(61)
    assert not lasting.probes.passes("liveness")
