"""helm on one release."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.blue_green.colours import Settings, arguments
from deploy.blue_green.commands import run
from deploy.blue_green.errors import CannotRelease

_UPGRADE_SECONDS: Final = 180.0


@dataclass(frozen=True)
class Revision:
    number: int
    status: str

    @property
    def pending(self) -> bool:
        return self.status.startswith("pending-")


class Helm:
    def __init__(self, namespace: str, release: str, context: str = "") -> None:
        self._release = release
        self._where = ["--namespace", namespace, *(["--kube-context", context] if context else [])]

    def values(self) -> dict[str, Any]:
        """All computed ones, the chart's own with the user's, of the revision that the next upgrade starts from."""
        return self._read("get", "values", self._release, "--all", *self._deployed())

    def app_version(self) -> str:
        return str(self._read("get", "metadata", self._release, *self._deployed())["appVersion"])

    def revisions(self) -> list[Revision]:
        """Newest last; none where there is no such release."""
        try:
            listed = json.loads(self._run("history", self._release, "--max", "20", "--output", "json"))
        except CannotRelease as failed:
            if "not found" in str(failed):
                return []
            raise
        return [Revision(int(each["revision"]), str(each["status"])) for each in listed]

    def upgrade(self, chart: Path, files: Sequence[Path], settings: Settings, why: str) -> None:
        """Without `--wait`: who waits can tell at once what is wrong with a pod."""
        given = [word for file in files for word in ("--values", str(file))]
        self._run(
            *("upgrade", self._release, str(chart), "--reset-then-reuse-values", *given, *arguments(settings)),
            *("--description", why, "--history-max", "20"),
            seconds=_UPGRADE_SECONDS,
        )

    def rollback(self, revision: int) -> None:
        self._run("rollback", self._release, str(revision), seconds=_UPGRADE_SECONDS)

    def _deployed(self) -> list[str]:
        """After an upgrade that failed, helm takes the values of the last one that did not."""
        numbers = [each.number for each in self.revisions() if each.status == "deployed"]
        return ["--revision", str(numbers[-1])] if numbers else []

    def _read(self, *words: str) -> dict[str, Any]:
        found: Mapping[str, Any] = json.loads(self._run(*words, "--output", "json"))
        return dict(found)

    def _run(self, *words: str, seconds: float = 30.0) -> str:
        return run(["helm", *words, *self._where], seconds=seconds)
