"""What a browser may do with an answer: nothing, unless the answer brings a policy of its own."""

from typing import Final

from starlette.types import Message

POLICY: Final = b"content-security-policy"
_DEFAULT_POLICY: Final = (POLICY, b"default-src 'none'; frame-ancestors 'none'")
_OTHERS: Final = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
SECURITY_HEADERS: Final = (_DEFAULT_POLICY, *_OTHERS)


def added(answer: Message) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that this answer lacks; `answer` is the beginning of one."""
    has_policy = any(name == POLICY for name, _ in answer["headers"])
    return _OTHERS if has_policy else SECURITY_HEADERS
