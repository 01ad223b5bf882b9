"""A release whose api and workers know a task that waits (waiting_tasks.py), and whose workers are scaled."""

from collections.abc import Mapping
from typing import Any

from tests.cluster import images
from tests.cluster.release import Release


def upgrade(release: Release, scaling: Mapping[str, Any] | None = None, **settings: object) -> None:
    """`scaling` are values of worker.autoscaling. Nothing is put back: what comes next takes the release away."""
    own = {part: images.waiting(part, release.tag) for part in ("api", "worker")}
    given = {f"{part}.image": image for part, image in own.items()}
    given |= {f"{part}.settings.TASK_MODULES": "risk\\,waiting_tasks" for part in own}
    given |= {"worker.autoscaling.enabled": "true", "worker.autoscaling.from": "2", "worker.autoscaling.to": "6"}
    given |= {f"worker.autoscaling.{name}": str(value) for name, value in (scaling or {}).items()}
    given |= {f"worker.settings.{name}": str(value) for name, value in settings.items()}
    release.upgrade(*[word for name, value in given.items() for word in ("--set", f"{name}={value}")])
