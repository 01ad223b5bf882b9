"""Celery prints its banner and its shutdown notice outside of the log: neither is JSON.

Upstream: celery/celery#3496 gave `celery worker --quiet`, which drops the banner only, and only for those who pass it;
PR celery/celery#8919 chose the stream that the notice is printed to. None found for a setting that does both.
Seen: Celery 5.7.0.
Can go: when tests/integration/test_log_of_a_worker.py passes without it.
"""

import celery.apps.worker

from throughline.telemetry.logging import say


def install() -> None:
    celery.apps.worker.Worker.emit_banner = lambda _worker: None
    celery.apps.worker.safe_say = lambda words, _stream=None: say(str(words).strip())
