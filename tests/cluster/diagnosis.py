"""What an operator would ask for when a test fails: pods, events, the last lines of what is not ready."""

from collections.abc import Callable
from typing import Final

from tests.cluster.release import Release

_LINES: Final = 30


def of(release: Release) -> str:
    """For people, and bounded."""
    asked: dict[str, Callable[[], str]] = {
        "pods": lambda: release.kubectl("get", "pods", "-o", "wide"),
        "events": lambda: _last(release.kubectl("get", "events", "--sort-by=.lastTimestamp")),
    }
    for pod in _not_ready(release):
        asked[f"log of {pod}"] = lambda pod=pod: _log(release, pod)  # type: ignore[misc]
    return "\n".join(f"── {what}\n{_answer(ask)}" for what, ask in asked.items())


def _not_ready(release: Release) -> list[str]:
    try:
        found = release.cluster.objects("pods", "-n", release.namespace)
    except Exception:  # whatever keeps kubectl from answering shows above
        return []
    return [
        pod["metadata"]["name"]
        for pod in found
        if pod["status"].get("phase") != "Succeeded"
        and not all(status["ready"] for status in pod["status"].get("containerStatuses", []))
    ][:6]


def _log(release: Release, pod: str) -> str:
    return release.kubectl("logs", pod, "--all-containers", "--prefix", f"--tail={_LINES}")


def _last(text: str) -> str:
    return "\n".join(text.splitlines()[-_LINES:])


def _answer(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except Exception as error:  # a diagnosis must not hide what it is about
        return str(error)
