"""What a browser may do with an answer: nothing, unless the answer brings a policy of its own.

Added where an answer leaves the process (connection.py), so that there is no layer whose answers lack them.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final

POLICY: Final = b"content-security-policy"
_DEFAULT_POLICY: Final = (POLICY, b"default-src 'none'; frame-ancestors 'none'")
_OTHERS: Final = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
SECURITY_HEADERS: Final = (_DEFAULT_POLICY, *_OTHERS)

_Send = Callable[[Any], Coroutine[Any, Any, None]]


def secured(send: _Send) -> _Send:
    """As `send`, with the headers that an answer lacks."""

    async def completed(message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = message["headers"]
            has_policy = any(name == POLICY for name, _ in headers)
            message = {**message, "headers": [*headers, *(_OTHERS if has_policy else SECURITY_HEADERS)]}
        await send(message)

    return completed
