"""What an operator would ask for when a test fails: pods, events, the last lines of what is not ready."""

from collections.abc import Callable
from functools import partial
from typing import Final

from tests.cluster.cluster import Cluster

_LINES: Final = 30


def of(cluster: Cluster, namespace: str) -> str:
    """For people, and bounded."""
    here = ("-n", namespace)
    asked: dict[str, Callable[[], str]] = {
        "pods": lambda: cluster.kubectl("get", "pods", *here, "-o", "wide"),
        "events": lambda: _last(cluster.kubectl("get", "events", *here, "--sort-by=.lastTimestamp")),
    }
    for pod in _not_ready(cluster, namespace):
        asked[f"log of {pod}"] = partial(
            cluster.kubectl, "logs", pod, *here, "--all-containers", "--prefix", f"--tail={_LINES}"
        )
    return "\n".join(f"── {what}\n{_answer(ask)}" for what, ask in asked.items())


def _not_ready(cluster: Cluster, namespace: str) -> list[str]:
    try:
        found = cluster.objects("pods", "-n", namespace)
    except Exception:  # whatever keeps kubectl from answering shows above
        return []
    return [
        pod["metadata"]["name"]
        for pod in found
        if pod["status"].get("phase") != "Succeeded"
        and not all(status["ready"] for status in pod["status"].get("containerStatuses", []))
    ][:6]


def _last(text: str) -> str:
    return "\n".join(text.splitlines()[-_LINES:])


def _answer(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except Exception as error:  # a diagnosis must not hide what it is about
        return str(error)
