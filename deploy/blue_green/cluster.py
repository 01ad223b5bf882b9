"""A release as the cluster has it: Deployments, pods, addresses and log lines."""

import json
import time
from collections.abc import Callable
from typing import Any, Final

from deploy.blue_green.colours import Colour
from deploy.blue_green.errors import CannotRelease, NotFit
from deploy.blue_green.kubectl import Kubectl
from deploy.blue_green.pods import Pod, all_ready, hopeless, pods

_POLL_SECONDS: Final = 1.0
_LAST_LINES: Final = 3


class Cluster:
    def __init__(self, kubectl: Kubectl, release: str) -> None:
        self.kubectl = kubectl
        self._of_release = f"app.kubernetes.io/instance={release}"
        names = [each["metadata"]["name"] for each in self._listed("deployments", self.selector("api"))]
        self.fullname = next((name.rpartition("-api-")[0] for name in sorted(names)), "")
        if not self.fullname:
            raise CannotRelease(f"The release {release} has no Deployment of the api: is it one of this chart?")

    def selector(self, part: str, colour: Colour | None = None) -> str:
        chosen = f"{self._of_release},app.kubernetes.io/component={part}"
        return f"{chosen},colour={colour}" if colour else chosen

    def deployment(self, colour: Colour) -> dict[str, Any]:
        return self.kubectl.get("deployment", f"{self.fullname}-api-{colour}")

    def pods(self, part: str, colour: Colour | None = None) -> list[Pod]:
        return pods(self.kubectl.get("pods", "--selector", self.selector(part, colour)))

    def choose(self, colour: Colour) -> None:
        """At once, where a helm upgrade takes seconds in which clients get errors; it then finds what it wants."""
        patch = json.dumps({"spec": {"selector": {"colour": colour}}})
        for service in (f"{self.fullname}-api", f"{self.fullname}-api-any"):
            self.kubectl("patch", "service", service, "--patch", patch)

    def has_written(self, part: str, colour: Colour, text: str) -> bool:
        return text in self.kubectl.logs(self.selector(part, colour), "--since=120s")

    def scale(self, colour: Colour, replicas: int) -> None:
        self.kubectl("scale", f"deployment/{self.fullname}-api-{colour}", f"--replicas={replicas}")

    def wait_for_colour(self, colour: Colour, seconds: float) -> list[Pod]:
        """Its pods, all ready. A reason that waiting does not mend ends it at once."""
        wanted = int(self.deployment(colour)["spec"]["replicas"])
        found: list[Pod] = []

        def ready() -> bool:
            found[:] = self.pods("api", colour)
            self.refuse_hopeless(found)
            return all_ready(found, wanted)

        until(ready, seconds, lambda: f"{colour} is not ready after {seconds:.0f} s: {_missing(found, wanted)}")
        return found

    def wait_for_rollout(self, part: str, tag: str, seconds: float) -> None:
        """All pods of the part are those of the newest template, and the old ones do not serve any more."""
        seen: dict[str, Any] = {}

        def rolled() -> bool:
            self.refuse_hopeless([pod for pod in self.pods(part) if pod.has_tag(tag)])
            seen.update(self.kubectl.get("deployment", f"{self.fullname}-{part}"))
            return _is_rolled(seen)

        until(rolled, seconds, lambda: f"{part} has not been replaced after {seconds:.0f} s: {self._stuck(part, tag)}")

    def wait_for_history(self, revision: int, seconds: float) -> None:
        """Until the history's tables are those of the version that the revision sets them up with."""
        name = f"{self.fullname}-history-{revision}"

        def set_up() -> bool:
            job = self.kubectl.get("job", name)
            of_job = self.kubectl.get("pods", "--selector", f"batch.kubernetes.io/job-name={name}")
            self.refuse_hopeless(pods(of_job))
            return int(job.get("status", {}).get("succeeded") or 0) > 0

        until(set_up, seconds, lambda: f"The history is not set up after {seconds:.0f} s: see the Job {name}.")

    def wait_until_chosen(self, chosen: list[Pod], seconds: float) -> None:
        """Until the Service that NGINX asks has these pods' addresses and no others."""
        wanted = {pod.address for pod in chosen}
        addresses: set[str] = set()

        def switched() -> bool:
            slices = self._listed("endpointslices", f"kubernetes.io/service-name={self.fullname}-api")
            ready = [each for one in slices for each in one.get("endpoints") or [] if each["conditions"].get("ready")]
            addresses.clear()
            addresses.update(address for each in ready for address in each["addresses"])
            return addresses == wanted

        until(
            switched, seconds, lambda: f"The Service {self.fullname}-api has {sorted(addresses)}, not {sorted(wanted)}."
        )

    def refuse_hopeless(self, found: list[Pod]) -> None:
        pod = hopeless(found)
        if pod is None:
            return
        last = self._last_lines(pod) if pod.crashed else ""
        raise NotFit(f"{pod.name}: {pod.hopeless}{last}")

    def _last_lines(self, pod: Pod) -> str:
        try:
            said = self.kubectl("logs", pod.name, "--all-containers", "--previous", f"--tail={_LAST_LINES}")
        except CannotRelease:
            return ""
        return f". It last said: {' '.join(said.split())[:600]}"

    def _stuck(self, part: str, tag: str) -> str:
        new = [pod for pod in self.pods(part) if pod.has_tag(tag)]
        return _missing(new, len(new) or 1)

    def _listed(self, kind: str, selector: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.kubectl.get(kind, "--selector", selector)["items"]
        return found


def until(condition: Callable[[], bool], seconds: float, otherwise: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise NotFit(otherwise())
        time.sleep(_POLL_SECONDS)


def _missing(found: list[Pod], wanted: int) -> str:
    waiting = [f"{pod.name} waits for {pod.waits_for}" for pod in found if not pod.ready]
    return "; ".join(waiting) or f"{len(found)} of {wanted} pods are there"


def _is_rolled(deployment: dict[str, Any]) -> bool:
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return False
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return all(count == wanted for count in counts)
