"""A worker that dies, however it dies, takes no task with it, and none is stored twice."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cluster.release import Pod, Release
from tests.cluster.tasks import Batch, submit

Wait = Callable[..., Any]
Kill = Callable[[Release, Pod], None]

_KILLER = "killer"
# Ends all processes that Celery started; those that were started from outside the pod live, and so does its first one.
_END_CHILDREN = """
import os, pathlib, signal
for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
    pid, parent = int(status.parent.name), int(status.read_text().rpartition(")")[2].split()[1])
    if parent > 1:
        os.kill(pid, signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def victim(release: Release) -> Iterator[Pod]:
    """A worker, on a node whose processes a pod can kill: nobody inside a container can kill its first one."""
    worker = release.pods("worker")[0]
    container = {
        "name": _KILLER,
        "image": f"throughline/nginx:{release.tag}",
        "command": ["sleep", "1000"],
        "securityContext": {"runAsUser": 0, "privileged": True},
    }
    spec = {"hostPID": True, "nodeName": worker.node, "terminationGracePeriodSeconds": 0, "containers": [container]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": _KILLER}, "spec": spec}
    here = ("-n", release.filebeat_namespace)  # where pods may see the node
    release.kubectl(*here, "apply", "-f", "-", text=json.dumps(pod))
    release.kubectl(*here, "wait", "--for=condition=Ready", f"pod/{_KILLER}", "--timeout=90s", seconds=100)
    yield worker
    release.kubectl(*here, "delete", "pod", _KILLER, "--wait=false")


def kill_container(release: Release, pod: Pod) -> None:
    """All its processes at once, as the kernel does when memory is short."""
    status = next(each for each in release.pods("worker") if each.name == pod.name).found["status"]
    container = status["containerStatuses"][0]["containerID"].partition("://")[2]
    # The shell's own `kill`: the image has no other. Those that have died with the first one cannot be killed any more.
    program = f"kill -9 $(grep -l {container} /proc/[0-9]*/cgroup | cut -d/ -f3) || true"
    release.kubectl("-n", release.filebeat_namespace, "exec", _KILLER, "--", "sh", "-c", program)


def kill_children(release: Release, pod: Pod) -> None:
    release.exec(pod.name, "python", "-c", _END_CHILDREN)


@pytest.mark.parametrize("kill", [kill_container, kill_children])
def test_what_ran_on_a_killed_worker_runs_again_and_is_stored_once(
    release: Release, victim: Pod, wait_until: Wait, kill: Kill
):
    batch = _died(release, victim, wait_until, kill)

    assert [task for task in batch.found() if len(task["attempts"]) > 1]


def test_a_worker_pod_that_is_removed_at_once_takes_no_task_with_it(release: Release, victim: Pod, wait_until: Wait):
    """As by somebody who believes that its node is gone: it may run on for a while, beside the one that replaces it."""

    def remove(release: Release, pod: Pod) -> None:
        release.kubectl("delete", "pod", pod.name, "--grace-period=0", "--force")

    _died(release, victim, wait_until, remove)


def test_a_worker_that_is_told_to_stop_while_it_starts_leaves_at_once(release: Release, wait_until: Wait):
    """It went on, taking tasks, until it was killed together with them."""
    before = {pod.name for pod in release.pods("worker")}
    release.kubectl("delete", "pod", next(iter(before)), "--wait=false")

    (starting,) = wait_until(lambda: _starting(release, before), 60, "another one starts")
    release.kubectl("delete", "pod", starting.name, "--wait=false")

    wait_until(lambda: starting.name not in {pod.name for pod in release.pods("worker")}, 20, "it has left")
    wait_until(release.is_ready, 90, "all nine are ready again")


def _starting(release: Release, known: set[str]) -> list[Pod]:
    """The pods whose container runs, and is not ready yet."""
    found = [pod for pod in release.pods("worker") if pod.name not in known and not pod.ready]
    return [
        pod for pod in found if any("running" in it["state"] for it in pod.found["status"].get("containerStatuses", []))
    ]


def _died(release: Release, pod: Pod, wait_until: Wait, die: Kill) -> Batch:
    """Tasks, some of which ran on the pod as it died, after their end."""
    batch = submit(release, "DIED", 48)  # of half a second: some still run when the pod dies
    wait_until(lambda: batch.running_on(pod.name), 30, f"{pod.name} runs some")

    die(release, pod)

    wait_until(batch.has_ended, 180, "every task has ended")
    batch.assert_each_succeeded_once()
    wait_until(release.is_ready, 90, "all nine are ready again")
    return batch
