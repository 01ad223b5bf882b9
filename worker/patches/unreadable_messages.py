"""A worker ends when a queue holds what is no message: text that is no JSON, properties that are not there, a body that
is not in the encoding that it names.

kombu reads all that before any handler of Celery's, and an error there is one that Celery cannot recover from; whoever
takes the next such message ends too. A body that cannot be read is left to Celery's own handler, which finds it wrong
as well: its task fails on record. Anything else could not even be acknowledged: it is dropped, with a line.

Upstream: none found.
Seen: Celery and kombu 5.7.0.
Can go: when `test_a_worker_goes_on_after_what_is_no_message` in tests/integration/test_next_messages.py passes without
it.
"""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from kombu.transport import redis as transport

ERRORS: Final = (TypeError, ValueError, LookupError, AttributeError)

_logger = logging.getLogger("throughline.worker")


def install() -> None:
    channel = transport.Channel
    channel._brpop_read = _going_on(channel._brpop_read)
    channel.decode_body = _tolerant(channel.decode_body)


def tell(error: Exception) -> None:
    _logger.error("What was in a queue is no message, and is dropped: %s", type(error).__name__)


def _going_on(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def _brpop_read(self: Any, **options: Any) -> Any:
        try:
            return original(self, **options)
        except ERRORS as error:
            tell(error)
            return True

    return _brpop_read


def _tolerant(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def decode_body(self: Any, body: Any, encoding: Any = None) -> Any:
        try:
            return original(self, body, encoding)
        except ERRORS:
            return body

    return decode_body
