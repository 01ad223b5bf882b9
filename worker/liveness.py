"""Shows probes that this worker lives, and that it has come to take tasks: two files in `PROBES_DIR`.

Docker's check and the chart's probes look at them.

`alive` is touched every few seconds for as long as the main loop turns, or stands still for a reason: it starts, waits
for Redis, or stops. A probe tests how old the file is; it asks no Redis and starts no Python. `ready` is made once,
when the worker first takes tasks: a new version that cannot reach Redis replaces no other worker, and an outage of
Redis makes none unready.

In a thread of its own: the heartbeat's may wait for Redis's name, or for an answer, for longer than a probe does.
"""

import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from celery.signals import worker_init, worker_ready, worker_shutting_down

from throughline.settings import WorkerSettings
from worker import heartbeat

_TOUCH_SECONDS: Final = 5.0
_TURN_SECONDS: Final = 1.0
# A call of a Redis that takes connections and answers none may last for four times its 15 seconds before it fails.
_STANDS_STILL_SECONDS: Final = 180.0


class MainLoop:
    """When the main loop last turned; None while it stands still for a reason."""

    def __init__(self) -> None:
        self._turned: float | None = None

    def begins(self, hub: Any) -> None:
        """Its timers end with each connection."""
        self._turn()
        hub.call_repeatedly(_TURN_SECONDS, self._turn)

    def waits(self) -> None:
        self._turned = None

    def hangs(self) -> bool:
        turned = self._turned
        return turned is not None and time.monotonic() - turned > _STANDS_STILL_SECONDS

    def _turn(self) -> None:
        self._turned = time.monotonic()


main_loop: Final = MainLoop()


def install(settings: WorkerSettings) -> None:
    folder = settings.probes_dir
    if folder is None:
        return
    alive, ready = folder / "alive", folder / "ready"

    def touch_on() -> None:
        while True:
            time.sleep(_TOUCH_SECONDS)
            if not main_loop.hangs() and not heartbeat.has_ended():
                _touch(alive)

    def begin(**_: Any) -> None:
        try:
            ready.unlink(missing_ok=True)
            alive.touch()
        except OSError as error:
            raise SystemExit(f"Wrong setting: PROBES_DIR: {folder} holds no file of ours: {error.strerror}") from None
        threading.Thread(target=touch_on, name="liveness", daemon=True).start()

    worker_init.connect(begin, weak=False)
    worker_ready.connect(lambda **_: _touch(ready), weak=False)
    worker_shutting_down.connect(lambda **_: main_loop.waits(), weak=False)


def _touch(file: Path) -> None:
    with suppress(OSError):  # a disk that is full; the probe will say so
        file.touch()
