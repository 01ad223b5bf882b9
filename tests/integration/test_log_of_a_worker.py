"""Everything that a worker prints, from its first line to its last, is a JSON line."""

import json

from throughline.ledger import keys


def test_a_worker_prints_json_lines_only(start, broker, wait_until):
    # As root, Celery warns on stderr before any log is set up; nobody runs it as root but a test.
    quiet = {"PYTHONWARNINGS": "ignore"}
    worker = start("celery", "-A", "worker.app", "worker", WORKER_CONCURRENCY="1", **quiet)
    wait_until(lambda: broker.zcard(keys.WORKERS), 60, "the worker is there")
    worker.terminate()
    printed = worker.communicate(timeout=40)[0].splitlines()
    assert printed
    assert [line for line in printed if not line.startswith("{")] == []
    assert all("message" in json.loads(line) for line in printed)
