"""What deploy/release reads from pods as the API server describes them."""

from typing import Any

import pytest

from deploy.blue_green.pods import all_ready, hopeless, pods, restarted, restarts


@pytest.mark.parametrize(
    "reason", ["ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError"]
)
def test_what_waiting_does_not_mend_is_told_with_the_pods_own_words(reason: str) -> None:
    (pod,) = _found(_pod(waiting={"reason": reason, "message": 'Container image "api:typo" is not present'}))
    assert pod.hopeless == f'{reason}: api:1.3: Container image "api:typo" is not present'
    assert hopeless([pod]) is pod


def test_a_crash_is_told_by_how_it_ended() -> None:
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    (pod,) = _found(_pod(waiting={"reason": "CrashLoopBackOff", "message": "back-off 10s"}, last=ended, restarts=2))
    assert pod.hopeless == "CrashLoopBackOff: api:1.3: OOMKilled, exit code 137"
    assert pod.crashed


def test_an_init_container_counts_as_well() -> None:
    described = _pod(waiting={"reason": "PodInitializing"})
    described["status"]["initContainerStatuses"] = [
        {"name": "init", "image": "api:1.3", "state": {"waiting": {"reason": "ErrImageNeverPull", "message": "no"}}}
    ]
    assert _found(described)[0].hopeless == "ErrImageNeverPull: api:1.3: no"


@pytest.mark.parametrize("reason", ["ContainerCreating", "ErrImagePull"])
def test_what_may_get_better_is_waited_for(reason: str) -> None:
    (pod,) = _found(_pod(waiting={"reason": reason}))
    assert not pod.hopeless
    assert pod.waits_for == f"api: {reason}"


def test_a_pod_without_a_node_says_what_the_scheduler_says() -> None:
    described = _pod()
    described["status"] = {
        "conditions": [
            {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available: Insufficient cpu"}
        ]
    }
    assert _found(described)[0].waits_for == "0/3 nodes are available: Insufficient cpu"


def test_all_of_them_must_be_ready_and_those_that_go_do_not_count() -> None:
    going = _pod(ready=True)
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    found = _found(_pod(ready=True), _pod(ready=True), going)
    assert all_ready(found, 2)
    assert not all_ready(found, 3)
    assert not all_ready(_found(_pod(ready=True), _pod()), 2)


def test_a_restart_is_one_since_the_switch() -> None:
    before = restarts(_found(_pod(name="old", restarts=1)))
    now = _found(_pod(name="old", restarts=1), _pod(name="new", restarts=0))
    assert restarted(before, now) == []
    assert [pod.name for pod in restarted(before, _found(_pod(name="old", restarts=2)))] == ["old"]


def test_the_pods_of_a_tag_are_known_by_their_image() -> None:
    (pod,) = _found(_pod())
    assert pod.has_tag("1.3")
    assert not pod.has_tag("3")


def _found(*described: dict[str, Any]) -> Any:
    return pods({"items": list(described)})


def _pod(
    name: str = "api-1",
    ready: bool = False,
    waiting: dict[str, str] | None = None,
    last: dict[str, Any] | None = None,
    restarts: int = 0,
) -> dict[str, Any]:
    container = {
        "name": "api",
        "image": "api:1.3",
        "restartCount": restarts,
        "state": {"waiting": waiting} if waiting else {"running": {}},
        "lastState": last or {},
    }
    conditions = [{"type": "Ready", "status": str(ready)}, {"type": "PodScheduled", "status": "True"}]
    return {
        "metadata": {"name": name},
        "spec": {"containers": [{"image": "registry:5000/throughline/api:1.3"}]},
        "status": {"podIP": "10.0.0.1", "conditions": conditions, "containerStatuses": [container]},
    }
