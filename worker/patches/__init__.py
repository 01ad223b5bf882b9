"""Repairs of Celery and kombu, one file each: the upstream issue, the versions seen, and when it can go."""

from worker.patches import banner, connection_loss, pool_flush, process_exit


def install() -> None:
    """Before the worker starts; installing twice would wrap what is wrapped already."""
    banner.install()
    connection_loss.install()
    pool_flush.install()
    process_exit.install()
