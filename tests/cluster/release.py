"""A release of the tests' own: in its own namespaces, under its own name, of this checkout's images."""

import base64
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import httpx
from redis import Redis

from tests import plain_http
from tests.cluster import diagnosis, images
from tests.cluster.cluster import Cluster
from tests.cluster.forwarding import Forwarding
from tests.command import ROOT
from throughline.journey.elasticsearch_client import Client
from throughline.ledger.history import History

CHART: Final = str(ROOT / "deploy" / "helm" / "throughline")
VALUES: Final = str(ROOT / "tests" / "cluster" / "values.yaml")
NINE: Final = {"nginx": 2, "api": 3, "redis": 1, "worker": 3, "monitor": 2}  # part → pods, as values.yaml has it
_INSTANCE: Final = "app.kubernetes.io/instance"
_COMPONENT: Final = "app.kubernetes.io/component"
_INSTALL_SECONDS: Final = 420


@dataclass(frozen=True)
class Pod:
    """What is asked of a pod most; `found` is the whole object."""

    name: str
    ready: bool
    ending: bool
    node: str
    restarts: int
    found: dict[str, Any]

    @classmethod
    def of(cls, found: dict[str, Any]) -> Self:
        status = found["status"]
        return cls(
            name=found["metadata"]["name"],
            ready=any(it["type"] == "Ready" and it["status"] == "True" for it in status.get("conditions", [])),
            ending="deletionTimestamp" in found["metadata"],
            node=found["spec"].get("nodeName", ""),
            restarts=sum(it["restartCount"] for it in status.get("containerStatuses", [])),
            found=found,
        )


class Release:
    """`with Release(cluster) as release:` has it ready; `release.kubectl("get", "pods")` is in its namespace.

    One release serves all tests, in the order of their files: each leaves it as it found it (`release.restore()`). The
    last two, of a release and of scaling, leave that to who comes next, and says all values anew or takes it away.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.name = f"throughline-{os.getpid()}"  # also what all its objects' names begin with
        self.namespace = self.name
        self.filebeat_namespace = f"{self.name}-filebeat"  # made by the chart
        self.durations: dict[str, float] = {}  # what was done → seconds
        self.tag = ""
        self.options: list[str] = []  # what helm install and each upgrade are given
        self._forwarding = Forwarding(self._in_namespace)
        self._entry = ""

    def __enter__(self) -> Self:
        try:
            self._install()
        except BaseException as error:
            error.add_note(diagnosis.of(self.cluster, self.namespace))
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._forwarding.close()
        began = time.monotonic()
        self.cluster.remove([self.namespace])
        self.durations["uninstalled"] = time.monotonic() - began

    def kubectl(self, *arguments: str, seconds: float = 60, text: str | None = None) -> str:
        """In the release's namespace; `-n` in the arguments chooses another."""
        return self.cluster.kubectl("-n", self.namespace, *arguments, seconds=seconds, text=text)

    def helm(self, command: str, *arguments: str, seconds: float = 60) -> str:
        """`helm("history")`: that command on this release."""
        return self.cluster.helm(command, self.name, "-n", self.namespace, *arguments, seconds=seconds)

    def upgrade(self, *options: str, seconds: float = 180, wait: bool = True) -> str:
        """`upgrade("--set", "worker.replicas=1")`: as installed but for that; with `wait`, ready when it returns."""
        waiting = ["--wait", "--timeout", f"{seconds:.0f}s"] if wait else []
        return self.helm("upgrade", CHART, *self.options, *options, *waiting, seconds=seconds + 30)

    def uninstall(self) -> None:
        """Takes it away, but for its namespaces; what was forwarded went to its pods."""
        self._forwarding.close()
        self.helm("uninstall", "--wait", "--timeout", "120s", seconds=150)

    def restore(self, seconds: float = 180) -> None:
        """As it was installed; ready when it returns."""
        self.upgrade(seconds=seconds)

    @property
    def values(self) -> dict[str, Any]:
        """All values of the installed revision, the chart's own included."""
        found: dict[str, Any] = json.loads(self.cluster.helm(*self._get_values()))
        return found

    def pods(self, part: str, **labels: str) -> list[Pod]:
        """`pods("api", colour="blue")`: those of a part, oldest first; the ones that are ending too."""
        chosen = {_INSTANCE: self.name, _COMPONENT: part} | labels
        selector = ",".join(f"{name}={value}" for name, value in chosen.items())
        namespace = self.filebeat_namespace if part == "filebeat" else self.namespace
        found = self.cluster.objects("pods", "-n", namespace, "-l", selector)
        return [Pod.of(it) for it in sorted(found, key=lambda it: str(it["metadata"]["creationTimestamp"]))]

    def images(self, part: str, **labels: str) -> set[str]:
        """Those that the part's pods run, but for pods that are ending."""
        pods = [pod for pod in self.pods(part, **labels) if not pod.ending]
        return {container["image"] for pod in pods for container in pod.found["spec"]["containers"]}

    def is_ready(self, parts: Mapping[str, int] = NINE) -> bool:
        """Whether so many pods of each part are ready, and no others are there."""
        for part, count in parts.items():
            pods = self.pods(part)
            if len(pods) != count or not all(pod.ready and not pod.ending for pod in pods):
                return False
        return True

    def exec(self, pod: str, *command: str, seconds: float = 60) -> str:
        return self.kubectl("exec", pod, "--", *command, seconds=seconds)

    def printed(self, pod: str) -> list[dict[str, Any]]:
        """The JSON lines that a pod printed, by the node's own account."""
        lines = self.kubectl("logs", pod, "--all-containers").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def http(self, **options: Any) -> httpx.Client:
        """Through the Service of NGINX, at its port on a node: it outlives each pod."""
        return plain_http.client(self._entry, **options)

    def url(self, part: str, port: int) -> str:
        """`url("jaeger", 16686)`: the Service `…-jaeger` as reached from here. Ask again when its pod has changed."""
        return f"http://127.0.0.1:{self._forwarding.port(f'{self.name}-{part}', port)}"

    def redis(self) -> Redis:
        port = self._forwarding.port(f"{self.name}-redis", 6379)
        url = f"redis://:{self.secret('redis-password')}@127.0.0.1:{port}"
        return Redis.from_url(url, decode_responses=True, socket_timeout=5)

    def history(self) -> History:
        """As the api reads it."""
        user = f"history_reader:{self.secret('history-reader-password')}"
        return History(f"postgresql://{user}@127.0.0.1:{self._forwarding.port(f'{self.name}-postgres', 5432)}/history")

    def reader(self) -> Client:
        """Elasticsearch, as whoever may read log lines and spans."""
        return Client(self.url("elasticsearch", 9200), "throughline_reader", self.secret("reader-password"))

    def secret(self, key: str) -> str:
        """A password of the Secret that the chart made."""
        found = json.loads(self.kubectl("get", "secret", f"{self.name}-passwords", "-o", "json"))["data"]
        return base64.b64decode(found[key]).decode()

    def _install(self) -> None:
        began = time.monotonic()
        self.tag = images.build()
        variants = images.build_variants(self.tag)
        self.durations["images built"] = time.monotonic() - began
        self.options = ["--values", VALUES, *self._options()]
        rendered = self.cluster.helm("template", self.name, CHART, *self.options)
        began = time.monotonic()
        images.bring(self.cluster, [*images.named_in(rendered), *variants])
        self.durations["images brought to the cluster"] = time.monotonic() - began
        self.cluster.make_namespace(self.namespace)
        began = time.monotonic()
        waiting = ["--wait", "--timeout", f"{_INSTALL_SECONDS}s"]
        self.helm("install", CHART, *self.options, *waiting, seconds=_INSTALL_SECONDS + 30)
        self.durations["installed and ready"] = time.monotonic() - began
        service = json.loads(self.kubectl("get", "service", f"{self.name}-nginx", "-o", "json"))
        self._entry = f"http://{self.cluster.node_address()}:{service['spec']['ports'][0]['nodePort']}"

    def _options(self) -> list[str]:
        given = {"image.tag": self.tag, "nginx.service.type": "NodePort"}
        return [word for name, value in given.items() for word in ("--set", f"{name}={value}")]

    def _in_namespace(self, *arguments: str) -> list[str]:
        return ["kubectl", "--context", self.cluster.context, "-n", self.namespace, *arguments]

    def _get_values(self) -> list[str]:
        return ["get", "values", self.name, "-n", self.namespace, "--all", "-o", "json"]
