"""The request that `helm test` sends, here through the NGINX of a local run: what is said of it and of its journey."""

import re
import subprocess
import sys

from tests.system.nine import ROOT, Nine


def trial(nine: Nine, seen: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "monitor.plane.trial", seen],
        cwd=ROOT,
        env=nine.environment | {"THROUGHLINE_URL": nine.base_url} | environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_the_seeds_request_is_run_and_its_journey_is_told_step_by_step(nine: Nine):
    done = trial(nine, "spans")

    assert done.returncode == 0, done.stderr
    assert re.match(r"201: calculate_var is task \S+, under the correlation ID HELM-TEST-[0-9a-f]{8}\n", done.stdout)
    assert re.search(r"^SUCCESS on worker-\d: waited [\d.]+ ms, ran [\d.]+ ms$", done.stdout, re.MULTILINE)
    told = done.stdout.partition("Its journey is complete:\n")[2]
    for step in ("nginx on nginx", "publish high on fastapi-", "wait high on worker-", "run calculate_var on worker-"):
        assert re.search(rf"^ +{step}", told, re.MULTILINE), told


def test_without_an_elasticsearch_the_record_tells_it_and_what_was_not_looked_at(nine: Nine):
    done = trial(nine, "record")

    assert done.returncode == 0, done.stderr
    assert "Its timeline, from its record: PENDING, STARTED, SUCCESS\n" in done.stdout
    assert "Not checked: the journey." in done.stdout
