"""What a worker does before it has processes."""

import gc

from celery.signals import worker_init

import worker.app  # noqa: F401 — it connects to the signal


def test_what_was_imported_before_the_fork_is_left_alone_by_every_collection():
    try:
        worker_init.send(sender=None)
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()
