"""The key that makes a repeated submission the same one, as clients send it."""

import re

from api.errors import IdempotencyKeyInvalid

_KEY = re.compile(r'"(?P<quoted>[\x21\x23-\x7e ]{1,255})"|(?P<bare>[\x21\x23-\x7e]{1,255})', re.ASCII)


def unquoted(key: str) -> str:
    """The key without its quotes (RFC 8941 strings have them, most clients do not send them)."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise IdempotencyKeyInvalid
    return match["quoted"] or match["bare"]
