"""kubectl in one namespace."""

import json
from collections.abc import Mapping
from typing import Any

from deploy.blue_green.commands import SECONDS, run


class Kubectl:
    def __init__(self, namespace: str, context: str = "") -> None:
        self._where = [
            "--namespace",
            namespace,
            "--request-timeout",
            "20s",
            *(["--context", context] if context else []),
        ]

    def __call__(self, *arguments: str, given: str | None = None, seconds: float = SECONDS) -> str:
        return run(["kubectl", *arguments, *self._where], given=given, seconds=seconds)

    def get(self, *what: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self("get", *what, "--output", "json"))
        return found

    def create(self, described: Mapping[str, Any]) -> None:
        """The object goes over standard input: an argument would be seen in the list of processes."""
        self("create", "--filename", "-", given=json.dumps(described))

    def delete(self, *what: str) -> None:
        self("delete", *what, "--ignore-not-found", "--wait=false")

    def logs(self, selector: str, *options: str) -> str:
        """Of all pods that it selects. A kubectl without `--max-log-requests` refuses more than five."""
        return self("logs", "--selector", selector, "--tail=-1", "--max-log-requests=50", "--ignore-errors", *options)
