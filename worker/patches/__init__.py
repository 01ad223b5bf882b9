"""Repairs of Celery and kombu, one file each: the upstream issue, the versions seen, and when it can go."""

from worker.patches import (
    banner,
    connection_loss,
    full_redis,
    pool_flush,
    process_exit,
    refused_writes,
    unreadable_messages,
)


def install() -> None:
    """Before the worker starts; installing twice would wrap what is wrapped already."""
    banner.install()
    connection_loss.install()
    full_redis.install()
    pool_flush.install()
    process_exit.install()
    refused_writes.install()
    unreadable_messages.install()
