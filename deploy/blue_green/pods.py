"""Pods as the API server describes them: which are ready, and what is wrong with one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

# What does not get better by waiting. ErrImagePull is missing: the next try may succeed, and else is ImagePullBackOff.
_HOPELESS: Final = {
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "CrashLoopBackOff",
}


@dataclass(frozen=True)
class Pod:
    """`hopeless` says why it will not become ready; `waits_for` what it has not got yet, such as a node."""

    name: str
    address: str
    images: tuple[str, ...]
    ready: bool
    restarts: int
    hopeless: str
    waits_for: str
    crashed: bool

    def has_tag(self, tag: str) -> bool:
        return any(image.endswith(f":{tag}") for image in self.images)


def pods(listed: Mapping[str, Any]) -> list[Pod]:
    """Those that are not being deleted."""
    return [_pod(each) for each in listed["items"] if "deletionTimestamp" not in each["metadata"]]


def hopeless(found: Iterable[Pod]) -> Pod | None:
    return next((pod for pod in found if pod.hopeless), None)


def all_ready(found: Sequence[Pod], wanted: int) -> bool:
    return len(found) == wanted and all(pod.ready for pod in found)


def restarts(found: Iterable[Pod]) -> dict[str, int]:
    return {pod.name: pod.restarts for pod in found}


def restarted(before: Mapping[str, int], found: Iterable[Pod]) -> list[Pod]:
    """A pod that was not there before has been made since: it may not have restarted at all."""
    return [pod for pod in found if pod.restarts > before.get(pod.name, 0)]


def _pod(described: Mapping[str, Any]) -> Pod:
    status = described.get("status", {})
    conditions = {each["type"]: each for each in status.get("conditions", [])}
    containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    return Pod(
        name=described["metadata"]["name"],
        address=status.get("podIP", ""),
        images=tuple(each["image"] for each in described["spec"]["containers"]),
        ready=conditions.get("Ready", {}).get("status") == "True",
        restarts=sum(each.get("restartCount", 0) for each in status.get("containerStatuses", [])),
        hopeless=next(_reasons(containers), ""),
        waits_for=_waits_for(conditions, containers),
        crashed=any(_waiting(each).get("reason") == "CrashLoopBackOff" for each in containers),
    )


def _reasons(containers: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for each in containers:
        waiting = _waiting(each)
        if waiting.get("reason") in _HOPELESS:
            ended = each.get("lastState", {}).get("terminated", {})
            how = (
                f"{ended.get('reason', 'ended')}, exit code {ended.get('exitCode')}"
                if ended
                else waiting.get("message", "")
            )
            yield f"{waiting['reason']}: {each['image']}: {how}"


def _waits_for(conditions: Mapping[str, Any], containers: Iterable[Mapping[str, Any]]) -> str:
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return str(scheduled.get("message", "a node"))
    for each in containers:
        if reason := _waiting(each).get("reason"):
            return f"{each['name']}: {reason}"
    return "its readiness probe"


def _waiting(container: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = container.get("state", {}).get("waiting", {})
    return found
