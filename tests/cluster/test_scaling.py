"""Workers follow the work, up and down, and a task on a worker that goes is finished or handed back, not lost."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest
import yaml
from redis import RedisError

from tests.cluster import waiting_release
from tests.cluster.cluster import Cluster
from tests.cluster.release import NINE, Release
from throughline.client import Client

Wait = Callable[..., object]
FAST = {"pollingSeconds": 2, "scaleDownAfterSeconds": 5, "scaleDownEverySeconds": 5}
DRAIN_SECONDS = 3
ENDED = {"SUCCESS", "FAILURE", "REVOKED"}


@pytest.fixture(scope="module")
def scaled(release: Release):
    """Workers that KEDA scales from two to six. The last file but test_z_uninstall.py, which needs no other state."""
    if not has_keda(release.cluster):
        pytest.fail("workers are scaled by KEDA, and this cluster has none: install it (https://keda.sh/docs/deploy)")
    limits = {"TASK_SOFT_TIME_LIMIT_SECONDS": 90, "TASK_TIME_LIMIT_SECONDS": 100, "VISIBILITY_TIMEOUT_SECONDS": 120}
    waiting_release.upgrade(release, FAST, WORKER_SHUTDOWN_SECONDS=DRAIN_SECONDS, **limits)
    return release


def has_keda(cluster: Cluster) -> bool:
    return "scaledobjects" in cluster.kubectl("api-resources", "--api-group=keda.sh", "-o", "name")


class Tasks:
    """What was submitted, and what became of each by the ledger's own account."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.ids: list[str] = []
        self.ended: dict[str, dict[str, Any]] = {}

    def submit(self, count: int, seconds: float, priority: str = "medium") -> None:
        """As a client does that has patience: a 503 of a busy node is no refusal."""
        with Client(str(self._client.base_url)) as client, ThreadPoolExecutor(8) as pool:

            def submitted(_: int) -> str:
                return client.submit("wait_for", {"seconds": seconds}, priority=priority).task_id

            self.ids += pool.map(submitted, range(count))

    def have_ended(self) -> bool:
        for task_id in self.ids:
            if task_id not in self.ended:
                answer = self._client.get(f"/api/v1/tasks/{task_id}")
                if answer.status_code == 200 and answer.json()["status"] in ENDED:
                    self.ended[task_id] = answer.json()
        return len(self.ended) == len(self.ids)

    def outcome(self) -> tuple[Counter[str], Counter[str]]:
        """Each task's end, and why each attempt ended that was not the last one."""
        ends = Counter(task["status"] for task in self.ended.values())
        before = Counter(attempt["ended_by"] for task in self.ended.values() for attempt in task["attempts"][:-1])
        return ends, before


@pytest.fixture
def tasks(scaled: Release):
    with scaled.http() as client:
        yield Tasks(client)


def workers(release: Release) -> int:
    return sum(pod.ready and not pod.ending for pod in release.pods("worker"))


def in_no_place(broker) -> bool:
    """Nothing is in a queue, unacknowledged or put back."""
    return not (sum(broker.llen(queue) for queue in ("high", "medium", "low")) or broker.hlen("unacked"))


def check(release: Release, tasks: Tasks, wait_until: Wait) -> Counter[str]:
    """Lost 0, stored twice 0, run again 0 beyond what was handed back; answers how much that was."""
    wait_until(tasks.have_ended, 240, "all tasks have ended")
    ends, before = tasks.outcome()
    assert ends == {"SUCCESS": len(tasks.ids)}, [each for each in tasks.ended.values() if each["status"] != "SUCCESS"]
    assert set(before) <= {"handed_back"}
    stored = Counter(each["outcome"] for task in tasks.ended.values() for each in task["attempts"])
    assert stored["SUCCESS"] == len(tasks.ids)
    with release.redis() as broker:
        wait_until(lambda: in_no_place(broker), 30, "every message is acknowledged")
    return before


def test_an_upgrade_that_turns_scaling_on_takes_no_worker_away(scaled):
    manifest = yaml.safe_load_all(scaled.cluster.helm("get", "manifest", scaled.name, "-n", scaled.namespace))
    (worker,) = [it for it in manifest if it["kind"] == "Deployment" and it["metadata"]["name"].endswith("-worker")]
    assert worker["spec"]["replicas"] == NINE["worker"]  # as many as were there; left out, Helm would set it to 1


def test_workers_scaled_by_hand_while_tasks_run_lose_and_repeat_none(scaled, tasks, wait_until, measured):
    name = f"{scaled.name}-worker"
    scaled.kubectl("annotate", "scaledobject", name, "autoscaling.keda.sh/paused=true")
    try:
        wait_until(lambda: not scaled.cluster.objects("hpa", "-n", scaled.namespace), 60, "KEDA pauses")
        tasks.submit(200, 1)
        scaled.kubectl("scale", f"deployment/{name}", "--replicas=6")
        wait_until(lambda: workers(scaled) == 6, 120, "six workers are ready")
        tasks.submit(12, 10, priority="high")  # longer than a worker that goes may take
        scaled.kubectl("scale", f"deployment/{name}", "--replicas=2")
        handed_back = check(scaled, tasks, wait_until)
        wait_until(lambda: len(scaled.pods("worker")) == 2, 60, "two workers are left")
    finally:
        scaled.kubectl("annotate", "scaledobject", name, "autoscaling.keda.sh/paused-")
    measured["212 tasks, workers scaled by hand: lost 0, stored twice 0, handed back"] = str(handed_back.total())


def test_workers_follow_the_work_up_and_down_and_no_task_is_lost_or_repeated(scaled, tasks, wait_until, measured):
    began = time.monotonic()
    tasks.submit(190, 4)
    wait_until(lambda: wanted(scaled) == 6, 90, "KEDA wants as many workers as there may be")
    with scaled.redis() as broker:
        wait_until(lambda: are_ready(6, scaled, tasks, broker), 240, "they are ready")
    measured["from two workers to six, all ready"] = f"{time.monotonic() - began:.0f} s"
    with scaled.redis() as broker:
        wait_until(lambda: none_waits(broker), 120, "the last tasks of four seconds have begun")
    tasks.submit(10, 40, priority="high")  # these run on when the others have ended
    wait_until(lambda: wanted(scaled) < 6, 120, "KEDA takes workers away")
    assert not tasks.have_ended()
    handed_back = check(scaled, tasks, wait_until)
    measured[f"{len(tasks.ids)} tasks, workers scaled by KEDA: lost 0, stored twice 0, handed back"] = str(
        handed_back.total()
    )


def are_ready(count: int, release: Release, tasks: Tasks, broker) -> bool:
    """On a busy node that takes a minute: by then there must still be something to do."""
    with suppress(RedisError):  # a look that was not answered in time
        if broker.llen("medium") < 50:
            tasks.submit(50, 4)
    return workers(release) == count


def none_waits(broker) -> bool:
    with suppress(RedisError):
        return int(broker.llen("medium")) == 0
    return False


def wanted(release: Release) -> int:
    found = release.kubectl("get", "deployment", f"{release.name}-worker", "-o", "jsonpath={.spec.replicas}")
    return int(found or 0)
