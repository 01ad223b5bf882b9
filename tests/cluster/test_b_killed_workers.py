"""A worker that dies, however it dies, takes no task with it, and none is stored twice."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster.release import Pod, Release
from tests.cluster.tasks import submit

Wait = Callable[..., Any]

# Ends all processes that Celery started; the first process of the container lives.
_END_CHILDREN = """
import os, pathlib, signal
for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
    pid, parent = int(status.parent.name), int(status.read_text().rpartition(")")[2].split()[1])
    if parent == 1:
        os.kill(pid, signal.SIGKILL)
"""


def kill_container(release: Release, pod: Pod) -> None:
    """All its processes at once, as the kernel does when memory is short: from the node, since nobody inside can."""
    container = pod.found["status"]["containerStatuses"][0]["containerID"].partition("://")[2]
    program = f"grep -l {container} /proc/[0-9]*/cgroup | cut -d/ -f3 | xargs kill -9"
    killer = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "killer"},
        "spec": {
            "hostPID": True,
            "restartPolicy": "Never",
            "nodeName": pod.node,
            "containers": [
                {
                    "name": "killer",
                    "image": f"throughline/nginx:{release.tag}",
                    "command": ["sh", "-c", program],
                    "securityContext": {"runAsUser": 0, "privileged": True},
                }
            ],
        },
    }
    # The namespace in which pods may see the node's processes.
    here = ("-n", release.filebeat_namespace)
    release.kubectl(*here, "apply", "-f", "-", text=json.dumps(killer))
    release.kubectl(
        *here, "wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/killer", "--timeout=60s", seconds=70
    )
    release.kubectl(*here, "delete", "pod", "killer", "--grace-period=0", "--force")


def kill_children(release: Release, pod: Pod) -> None:
    release.exec(pod.name, "python", "-c", _END_CHILDREN)


def remove_at_once(release: Release, pod: Pod) -> None:
    """As whoever believes that the node is gone."""
    release.kubectl("delete", "pod", pod.name, "--grace-period=0", "--force")


@pytest.mark.parametrize("die", [kill_container, kill_children, remove_at_once])
def test_what_ran_on_a_dead_worker_runs_again_and_is_stored_once(
    release: Release, wait_until: Wait, die: Callable[[Release, Pod], None]
):
    pod = release.pods("worker")[0]
    batch = submit(release, "DIED", 80)
    wait_until(lambda: batch.running_on(pod.name), 30, f"{pod.name} runs some")

    die(release, pod)

    wait_until(batch.has_ended, 120, "every task has ended")
    batch.assert_each_succeeded_once()
    wait_until(release.is_ready, 90, "all nine are ready again")
