"""One run at a time: a Lease in the release's namespace, renewed while the run lasts."""

import getpass
import json
import os
import socket
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, Self

from deploy.blue_green.errors import CannotRelease
from deploy.blue_green.kubectl import Kubectl
from deploy.blue_green.telling import tell

_RENEWED_EVERY: Final = 5.0
_STALE_AFTER: Final = 20.0


class Lock:
    """`taken_over` says that the run before was killed: it may have left a `helm upgrade` unfinished.

    Whether the other one is alive is seen, not computed: clocks of two machines differ.
    """

    def __init__(self, kubectl: Kubectl, name: str) -> None:
        self.taken_over = False
        self._kubectl, self._name = kubectl, name
        self._holder = f"{getpass.getuser()}@{socket.gethostname()}, process {os.getpid()}"
        self._ended, self._lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> Self:
        if not self._create():
            self._take_over()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if not self._lost.is_set():
            with suppress(CannotRelease):  # it is stale in a moment
                self._kubectl.delete("lease", self._name)

    def ensure(self) -> None:
        """Before each change: this machine may have slept, and another run have begun."""
        if self._lost.is_set():
            raise CannotRelease(
                "Another run has taken the lock: this one was not seen alive for too long. It stops here."
            )

    def _create(self) -> bool:
        try:
            self._kubectl.create(self._lease())
        except CannotRelease as failed:
            if "AlreadyExists" in str(failed) or "already exists" in str(failed):
                return False
            raise
        return True

    def _take_over(self) -> None:
        """Not while it is renewed; and only as it was seen, so that of two that try one succeeds."""
        seen = self._kubectl.get("lease", self._name)
        other, renewed = seen["spec"]["holderIdentity"], seen["spec"]["renewTime"]
        tell(f"The lock is held by {other}. Looking for {_STALE_AFTER:.0f} s whether that run is alive.")
        deadline = time.monotonic() + _STALE_AFTER
        while time.monotonic() < deadline:
            time.sleep(1)
            now = self._kubectl.get("lease", self._name)
            if now["spec"]["renewTime"] != renewed:
                raise CannotRelease(f"Another run is in the middle of a release: {other}. Wait for its end.")
        self._kubectl("replace", "--filename", "-", given=_json(self._lease(seen["metadata"]["resourceVersion"])))
        tell("It is not. Its work is taken over.")
        self.taken_over = True

    def _renew(self) -> None:
        while not self._ended.wait(_RENEWED_EVERY):
            patch = [
                {"op": "test", "path": "/spec/holderIdentity", "value": self._holder},
                {"op": "replace", "path": "/spec/renewTime", "value": _now()},
            ]
            try:
                self._kubectl("patch", "lease", self._name, "--type", "json", "--patch", _json(patch))
            except CannotRelease as failed:
                if "test" in str(failed) or "NotFound" in str(failed):
                    self._lost.set()
                    return  # otherwise the API server does not answer: the next renewal may succeed

    def _lease(self, version: str = "") -> dict[str, Any]:
        metadata = {"name": self._name} | ({"resourceVersion": version} if version else {})
        spec = {"holderIdentity": self._holder, "leaseDurationSeconds": int(_STALE_AFTER), "renewTime": _now()}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


def _json(value: Any) -> str:
    return json.dumps(value)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
