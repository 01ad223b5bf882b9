"""How a repair reaches each connection to Redis of Celery's broker and result backend, however Redis is reached."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from celery.backends import redis as backends
from kombu.transport import redis as transport

_POOLS = (transport.Channel, transport.SentinelChannel, backends.RedisBackend, backends.SentinelBackend)


def extend(mixin: type) -> None:
    """Every connection that is made from now on is a `mixin` too: it comes before the connection's own class."""

    @cache
    def extended(connection: type) -> type:
        return type(connection.__name__, (mixin, connection), {})

    def extending(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def _get_pool(self: Any, *arguments: Any, **options: Any) -> Any:
            pool = original(self, *arguments, **options)
            pool.connection_class = extended(pool.connection_class)
            return pool

        return _get_pool

    for owner in _POOLS:
        owner._get_pool = extending(owner._get_pool)
