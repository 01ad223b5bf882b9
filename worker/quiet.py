"""Keeps Celery from printing past the log: its banner and its shutdown notice are not JSON."""

import celery.apps.worker

from throughline.telemetry.logging import say


def install() -> None:
    # `celery --quiet` drops the banner only, and only for who remembers it.
    celery.apps.worker.Worker.emit_banner = lambda _worker: None
    celery.apps.worker.safe_say = lambda words, _stream=None: say(str(words).strip())
