"""The key that makes a repeated submission the same one, as clients send it."""

import re
from typing import Any, Final

from api.errors import IdempotencyKeyInvalid

NAME: Final = "Idempotency-Key"
DESCRIPTION: Final = "1 to 255 printable ASCII characters, bare or in double quotes, and blanks within the quotes."
_BARE: Final = r"[\x21\x23-\x7e]{1,255}"
_QUOTED: Final = r"[\x20\x21\x23-\x7e]{1,255}"
SCHEMA: Final[dict[str, Any]] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 257,
    "pattern": f'^("{_QUOTED}"|{_BARE})$',
}
_KEY: Final = re.compile(f'"(?P<quoted>{_QUOTED})"|(?P<bare>{_BARE})', re.ASCII)


def unquoted(key: str) -> str:
    """The key without its quotes (RFC 8941 strings have them, most clients do not send them)."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise IdempotencyKeyInvalid
    return match["quoted"] or match["bare"]
