"""A short-lived pod of the new version's image, which runs inside.py where the replicas can be reached."""

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from deploy.blue_green.cluster import Cluster
from deploy.blue_green.colours import Colour
from deploy.blue_green.errors import CannotRelease, NotFit
from deploy.blue_green.pods import hopeless, pods

_SCRIPT: Final = Path(__file__).with_name("inside.py")
_PART: Final = "release-check"
_LIVES_SECONDS: Final = 3600  # a run that is killed cannot delete it: the kubelet ends it then
_COPIED: Final = ("imagePullSecrets", "nodeSelector", "tolerations", "priorityClassName")


class InsidePod:
    """The key for the API goes by a Secret that lives as long as the run; it is in no argument and no manifest."""

    def __init__(self, cluster: Cluster, colour: Colour, api_key: str) -> None:
        self._cluster, self._kubectl = cluster, cluster.kubectl
        self._colour: Colour = colour
        self._api_key = api_key

    def check(self, plan: Mapping[str, Any], seconds: float) -> list[tuple[str, str]]:
        """What was looked at, and what is wrong with each; empty where nothing is."""
        with self._running("check", plan) as name:
            self._wait_for_end(name, seconds)
            said = self._kubectl("logs", name)
        try:
            return [(what, wrong) for what, wrong in json.loads(said.strip().splitlines()[-1])]
        except (ValueError, IndexError):
            raise NotFit(f"The check from inside ended without a result: {said.strip()[-400:]}") from None

    @contextmanager
    def probing(self, plan: Mapping[str, Any]) -> Iterator[None]:
        with self._running("probe", plan):
            yield

    @contextmanager
    def _running(self, what: str, plan: Mapping[str, Any]) -> Iterator[str]:
        name = f"{self._cluster.fullname}-{_PART}-{secrets.token_hex(3)}"
        try:
            if self._api_key:
                self._kubectl.create(self._secret(name))
            self._kubectl.create(self._described(name, what, plan))
            yield name
        finally:
            self._kubectl.delete("pod", name, "--grace-period=1")
            if self._api_key:
                self._kubectl.delete("secret", name)

    def _wait_for_end(self, name: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            found = self._kubectl.get("pod", name)
            if found.get("status", {}).get("phase") in {"Succeeded", "Failed"}:
                return
            if pod := hopeless(pods({"items": [found]})):
                raise NotFit(f"{pod.name}: {pod.hopeless}")
            if time.monotonic() > deadline:
                raise CannotRelease(f"The check from inside (pod {name}) has not ended after {seconds:.0f} s.")
            time.sleep(1)

    def _described(self, name: str, what: str, plan: Mapping[str, Any]) -> dict[str, Any]:
        template = self._template
        networks = {f"throughline/network-{network}": "member" for network in ("clients", "tasks")}
        spec = {key: value for key, value in template["spec"].items() if key in _COPIED}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": self._labels | networks},
            "spec": spec
            | {
                "restartPolicy": "Never",
                "activeDeadlineSeconds": _LIVES_SECONDS,
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "terminationGracePeriodSeconds": 1,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10000,
                    "runAsGroup": 10000,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [self._container(template["spec"]["containers"][0], name, what, plan)],
            },
        }

    def _secret(self, name: str) -> dict[str, Any]:
        metadata = {"name": name, "labels": self._labels}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"api-key": self._api_key}}

    @cached_property
    def _template(self) -> dict[str, Any]:
        found: dict[str, Any] = self._cluster.deployment(self._colour)["spec"]["template"]
        return found

    @property
    def _labels(self) -> dict[str, str]:
        labels: dict[str, str] = self._template["metadata"]["labels"]
        of_release = {key: value for key, value in labels.items() if key.startswith("app.kubernetes.io/")}
        return of_release | {"app.kubernetes.io/component": _PART}

    def _container(self, api: Mapping[str, Any], name: str, what: str, plan: Mapping[str, Any]) -> dict[str, Any]:
        environment: list[dict[str, Any]] = [{"name": "PLAN", "value": json.dumps(dict(plan))}]
        if self._api_key:
            source = {"secretKeyRef": {"name": name, "key": "api-key"}}
            environment.append({"name": "THROUGHLINE_API_KEY", "valueFrom": source})
        return {
            "name": _PART,
            "image": api["image"],
            "imagePullPolicy": api["imagePullPolicy"],
            "command": ["python", "-c", _SCRIPT.read_text(encoding="utf-8"), what],
            "env": environment,
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        }


def remove_left_behind(cluster: Cluster) -> None:
    """By a run that was killed."""
    cluster.kubectl.delete("pod,secret", "--selector", cluster.selector(_PART))
