"""A fresh worker process has its connection and every script before its first task, which does not wait for them."""

import subprocess
import sys
from hashlib import sha1

import pytest

from throughline.ledger import keys
from throughline.ledger.script import all_texts

WORKER = ["-A", "tests.integration.faulty_worker", "worker", "--without-gossip", "--without-mingle"]


def test_a_process_is_connected_and_every_script_is_loaded_before_its_first_task(start, broker, wait_until):
    broker.script_flush()
    start("celery", *WORKER, WORKER_CONCURRENCY="3")
    wait_until(lambda: broker.zcard(keys.WORKERS), 60, "the worker is there")
    hashes = [sha1(text.encode(), usedforsecurity=False).hexdigest() for text in all_texts()]
    wait_until(lambda: all(broker.script_exists(*hashes)), 20, "every script is loaded")

    def that_have_asked_the_time() -> set[str]:
        """The latest command of a process that has done no task yet; its main process asks again every second."""
        return {each["id"] for each in broker.client_list() if each["cmd"] == "time" and int(each["idle"]) > 2}

    wait_until(lambda: len(that_have_asked_the_time()) == 3, 20, "each process has a connection of its own")


@pytest.mark.parametrize("entry", ["api.main", "worker.app"])
def test_garbage_is_collected_after_the_imports_which_are_left_alone(entry):
    told = f"import gc, {entry}; print(gc.isenabled(), gc.get_freeze_count() > 100_000)"
    answer = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout.split() == ["True", "True"]
