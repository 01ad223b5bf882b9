"""A node that is drained: its pods go elsewhere, at most one of a part at a time, and every accepted task is done."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster.release import NINE, Release
from tests.cluster.tasks import submit

Wait = Callable[..., Any]


def test_a_drain_with_tasks_running_and_waiting_loses_none(release: Release, wait_until: Wait, tmp_path: Path):
    node = release.pods("worker")[0].node
    before = _identities(release, node)
    batch = submit(release, "DRAINED", 32)
    log = tmp_path / "drain.log"

    with _drain(release, node, log) as drain:
        if len(release.cluster.objects("nodes")) == 1:
            # There is nowhere else to go: what was evicted waits, and the budgets keep back the rest of its part.
            wait_until(lambda: _is_waiting(release), 60, "an evicted worker waits for a node")
            release.cluster.uncordon(node)
        wait_until(lambda: drain.poll() is not None, 200, "the budgets have let all pods go")
        assert drain.returncode == 0, log.read_text()

    wait_until(batch.has_ended, 180, "every task has ended")
    batch.assert_each_succeeded_once()
    wait_until(release.is_ready, 120, "all nine are ready again")
    assert not before & _identities(release, node)


@contextmanager
def _drain(release: Release, node: str, log: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """Of this release's pods only; the node takes pods again afterwards."""
    command = ["kubectl", "--context", release.cluster.context, "drain", node]
    command += ["--pod-selector", f"app.kubernetes.io/instance={release.name}"]
    command += ["--ignore-daemonsets", "--delete-emptydir-data", "--timeout", "180s"]
    try:
        release.cluster.cordon(node)
        with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as drain:
            try:
                yield drain
            finally:
                drain.kill()
    finally:
        release.cluster.uncordon(node)


def _identities(release: Release, node: str) -> set[str]:
    """Of the nine's pods on that node: a pod of a StatefulSet keeps its name when it is replaced."""
    pods = [pod for part in NINE for pod in release.pods(part)]
    return {str(pod.found["metadata"]["uid"]) for pod in pods if pod.node == node}


def _is_waiting(release: Release) -> bool:
    return any(not pod.node for pod in release.pods("worker"))
