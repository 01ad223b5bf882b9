"""The cluster at hand: kubectl and helm on it, and namespaces of the tests' own, removed when they are done with."""

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from subprocess import TimeoutExpired
from typing import Any, Final
from urllib.parse import urlsplit

from tests.command import Failed, output

# The namespaces that the tests make bear this label; its value says who made them.
_OWNER: Final = "throughline-test-owner"
_LEFT_BEHIND_SECONDS: Final = 3600
_CORDONED: Final = "throughline-test-cordoned"


class Unsuitable(Exception):
    """There is no cluster, or not one that tests may use without being told to."""


class Cluster:
    """The current context, for as long as the tests run: a context that is switched meanwhile changes nothing."""

    def __init__(self) -> None:
        missing = [program for program in ("kubectl", "helm") if not shutil.which(program)]
        if missing:
            raise Unsuitable(
                f"tests on a Kubernetes cluster need kubectl and helm; not installed: {', '.join(missing)}"
            )
        try:
            self.context = output(["kubectl", "config", "current-context"], 20).strip()
            self._only_if_meant()
            self.kubectl("version", "--request-timeout=10s")
        except (Failed, TimeoutExpired) as error:
            raise Unsuitable(f"no Kubernetes cluster answers: {error}") from None

    def _only_if_meant(self) -> None:
        """On a cluster elsewhere, other people's work may run: it must be named."""
        server = self.kubectl("config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}")
        if _is_here(urlsplit(server).hostname or "") or os.environ.get("THROUGHLINE_CLUSTER") == self.context:
            return
        raise Unsuitable(
            f"the context {self.context} is a cluster elsewhere ({server}): "
            f"set THROUGHLINE_CLUSTER={self.context} to have its tests install into it and cordon a node of it"
        )

    def kubectl(self, *arguments: str, seconds: float = 60, text: str | None = None) -> str:
        """What `kubectl …` prints; `text` is its stdin, as for `apply -f -`."""
        return output(["kubectl", "--context", self.context, *arguments], seconds, text=text)

    def helm(self, *arguments: str, seconds: float = 60) -> str:
        return output(["helm", "--kube-context", self.context, *arguments], seconds)

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        """`objects("pods", "-n", "default")` is what `kubectl get` finds."""
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", *arguments, "-o", "json"))["items"]
        return found

    def node_address(self) -> str:
        """An address at which a NodePort answers."""
        for node in self.objects("nodes"):
            ready = any(it["type"] == "Ready" and it["status"] == "True" for it in node["status"]["conditions"])
            for address in node["status"]["addresses"]:
                if ready and address["type"] == "InternalIP":
                    return str(address["address"])
        raise Unsuitable(f"the context {self.context} has no node that is ready")

    def make_namespace(self, name: str) -> None:
        """One that admits pods by the `restricted` standard only."""
        labels = {_OWNER: _this_run(), "pod-security.kubernetes.io/enforce": "restricted"}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        self.kubectl("apply", "-f", "-", text=json.dumps(namespace))

    def remove(self, namespaces: Sequence[str]) -> None:
        """With all that is in them; releases first, since Helm knows what they have elsewhere."""
        for name in namespaces:
            for release in self.helm("list", "-n", name, "--all", "--short").split():
                with suppress(Failed):
                    self.helm("uninstall", release, "-n", name, "--no-hooks", seconds=120)
        for_filebeat = [f"{name}-filebeat" for name in namespaces]
        both = [*namespaces, *for_filebeat]
        self.kubectl("delete", "namespace", *both, "--ignore-not-found", "--timeout=150s", seconds=180)

    def remove_what_was_left_behind(self) -> None:
        """By a run that was killed."""
        for node in self.objects("nodes", "-l", _CORDONED):
            self.uncordon(node["metadata"]["name"])
        found = self.objects("namespaces", "-l", _OWNER)
        left = [it["metadata"]["name"] for it in found if _is_left_behind(it["metadata"])]
        if left:
            self.remove(left)

    def cordon(self, node: str) -> None:
        self.kubectl("label", "node", node, f"{_CORDONED}=", "--overwrite")
        self.kubectl("cordon", node)

    def uncordon(self, node: str) -> None:
        self.kubectl("uncordon", node)
        self.kubectl("label", "node", node, f"{_CORDONED}-")


def _this_run() -> str:
    return f"{socket.gethostname()[:40]}.{os.getpid()}"


def _is_left_behind(metadata: dict[str, Any]) -> bool:
    host, _, pid = metadata["labels"][_OWNER].rpartition(".")
    age = time.time() - datetime.fromisoformat(metadata["creationTimestamp"]).astimezone(UTC).timestamp()
    return age > _LEFT_BEHIND_SECONDS or (host == socket.gethostname()[:40] and not _runs(int(pid)))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_here(host: str) -> bool:
    """Whether the address is one of this machine's: kind, k3d and their like have their API server there."""
    try:
        with socket.socket() as probe:
            probe.bind((socket.gethostbyname(host), 0))
    except OSError:
        return False
    return True


if __name__ == "__main__":  # .ci/run asks whether there is a cluster
    try:
        Cluster()
    except Unsuitable as error:
        sys.exit(str(error))
