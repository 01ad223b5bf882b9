"""A stack of the tests' own: its compose project, its ports, its passwords; brought up from nothing and removed."""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import httpx
from redis import Redis

from tests import plain_http
from tests.command import output
from tests.system.nine import free_base
from throughline.journey.elasticsearch_client import Client
from throughline.ledger.history import History
from throughline.settings import NineSettings

NINE: Final = ("nginx", "fastapi-1", "fastapi-2", "fastapi-3", "redis", "worker-1", "worker-2", "worker-3", "monitor")
_METRICS: Final = ("log-lag", "prometheus", "alertmanager")
HISTORY: Final = ("postgres", "history-setup")
PLANE: Final = (*HISTORY, "filebeat", "otel-collector", "elasticsearch", "jaeger", *_METRICS)
# Kibana and Grafana are not among them: where no image can be pulled there is none.
STARTED: Final = ("nginx", "worker", "monitor", *HISTORY, "filebeat", "otel-collector", "jaeger", *_METRICS)
_PORTS: Final = (
    *("HTTP", "REDIS", "MONITOR", "ELASTICSEARCH", "JAEGER", "METRICS", "KIBANA"),
    *("PROMETHEUS", "ALERTMANAGER", "GRAFANA", "POSTGRES"),
)


class Stack:
    """`with Stack(folder) as stack:` has it healthy; `stack.compose("stop", "jaeger")` is that command on it."""

    def __init__(self, folder: Path) -> None:
        self.project = f"throughline-test-{os.getpid()}"
        self.env_file = folder / "env"
        base = free_base()
        self.ports = {name: base + 100 + number for number, name in enumerate(_PORTS)}
        own = {f"{name}_PORT": str(port) for name, port in self.ports.items()}
        own |= {"API_PORTS": f"{base + 120}-{base + 139}", "HTTP_ADDRESS": "127.0.0.1"}
        # No test is about the depth limit; a message lost with a worker comes back within the tests' patience.
        own |= {"CIRCUIT_MAX_DEPTH": "100000", "VISIBILITY_TIMEOUT_SECONDS": "30"}
        own |= {"TASK_TIME_LIMIT_SECONDS": "20", "TASK_SOFT_TIME_LIMIT_SECONDS": "15"}
        own |= {"COMPOSE_FILE": f"docker-compose.yml{os.pathsep}tests/stack/odd_tasks.yml"}
        inherited = {name: value for name, value in os.environ.items() if name.lower() not in NineSettings.model_fields}
        self.environment = inherited | own
        self.base_url = self.url("HTTP")
        self.seconds_to_healthy = 0.0

    def __enter__(self) -> "Stack":
        output(["sh", "deploy/env.sh", str(self.env_file)], 30)
        try:
            self.compose("build", "nginx", "fastapi", "worker", "monitor", "otel-collector", seconds=600)
            began = time.monotonic()
            self.up()
        except BaseException:
            self.__exit__()
            raise
        self.seconds_to_healthy = time.monotonic() - began
        return self

    def __exit__(self, *_: object) -> None:
        self.compose("down", "-v", "--timeout", "10")

    def up(self, **environment: str) -> None:
        self.compose("up", "--wait", "--wait-timeout", "240", *STARTED, environment=environment)

    def compose(self, *arguments: str, seconds: float = 300, environment: Mapping[str, str] | None = None) -> str:
        command = ["docker", "compose", "--env-file", str(self.env_file), "-p", self.project, *arguments]
        return output(command, seconds, self.environment | dict(environment or {}))

    def container(self, name: str) -> str:
        """`worker-2` → the container's name; a service with one container has number 1."""
        return f"{self.project}-{name}" if name[-1].isdigit() else f"{self.project}-{name}-1"

    def docker(self, *arguments: str, seconds: float = 120, text: str | None = None) -> str:
        """`text` is the command's input: with `exec` it needs `-i`."""
        return output(["docker", *arguments], seconds, self.environment, text)

    def inspect(self, name: str) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.docker("inspect", self.container(name)))[0])

    def names(self) -> list[str]:
        """The containers that run, as `fastapi-2` or `filebeat-1`."""
        running = self.docker("ps", "--filter", f"name=^{self.project}-", "--format", "{{.Names}}").split()
        return sorted(name.removeprefix(f"{self.project}-") for name in running)

    def printed(self, name: str) -> list[dict[str, Any]]:
        """The JSON lines that the container itself printed: what Docker has of them."""
        lines = []
        for line in self.docker("logs", self.container(name)).splitlines():
            if line.startswith("{"):
                lines.append(json.loads(line))
        return lines

    def secret(self, name: str) -> str:
        pairs = (line.split("=", 1) for line in self.env_file.read_text().splitlines())
        return dict(cast("list[tuple[str, str]]", list(pairs)))[name]

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def http(self, **options: Any) -> httpx.Client:
        return plain_http.client(self.base_url, **options)

    def redis(self) -> Redis:
        url = f"redis://:{self.secret('REDIS_PASSWORD')}@127.0.0.1:{self.ports['REDIS']}"
        return Redis.from_url(url, decode_responses=True, socket_timeout=5)

    def history(self) -> History:
        """As the api reads it."""
        user = f"history_reader:{self.secret('HISTORY_READER_PASSWORD')}"
        return History(f"postgresql://{user}@127.0.0.1:{self.ports['POSTGRES']}/history")

    def reader(self) -> Client:
        return Client(self.url("ELASTICSEARCH"), "throughline_reader", self.secret("READER_PASSWORD"))
