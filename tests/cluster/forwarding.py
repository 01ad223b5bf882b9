"""Ports of a release's Services on this machine, whatever its network policies say and wherever its nodes are."""

import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from tests.conftest import free_port

_SECONDS: Final = 20


class Forwarding:
    """One `kubectl port-forward` for each Service that was asked for; it ends with the pod, and is then started anew.

    For looking into Redis or Elasticsearch. Load goes through the NodePort: it must outlive each pod.
    """

    def __init__(self, kubectl: Callable[..., list[str]]) -> None:
        self._kubectl = kubectl
        self._running: dict[tuple[str, int], tuple[subprocess.Popen[bytes], int]] = {}

    def port(self, service: str, port: int) -> int:
        """The port on 127.0.0.1 behind which that Service's is."""
        running = self._running.get((service, port))
        if running is None or running[0].poll() is not None:
            running = self._running[service, port] = self._start(service, port)
        return running[1]

    def close(self) -> None:
        for process, _ in self._running.values():
            process.terminate()
            process.wait(_SECONDS)
        self._running.clear()

    def _start(self, service: str, port: int) -> tuple["subprocess.Popen[bytes]", int]:
        """Tries again while no pod of the Service runs."""
        deadline = time.monotonic() + 3 * _SECONDS
        while time.monotonic() < deadline:
            own = free_port()
            command = self._kubectl("port-forward", f"service/{service}", f"{own}:{port}")
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if _listens(process, own):
                return process, own
            process.kill()
            process.wait()
            time.sleep(0.5)
        raise TimeoutError(f"after {3 * _SECONDS} s no pod of the Service {service} can be reached")


def _listens(process: "subprocess.Popen[bytes]", port: int) -> bool:
    deadline = time.monotonic() + _SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        time.sleep(0.05)
    return False
