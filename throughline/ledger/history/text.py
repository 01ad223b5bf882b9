"""Text that both databases take, and find again: PostgreSQL refuses NUL and halves of surrogate pairs."""

import hashlib
from typing import Final

# An entry of PostgreSQL's index may have 2,704 bytes, and a character four of them.
LONGEST: Final = 400


def storable(text: str) -> str:
    """The text itself, or for an odd one a readable beginning with a hash of all of it: no two become the same."""
    if len(text) <= LONGEST and _is_plain(text):
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{readable(text[:100])}#{digest}"


def readable(text: str) -> str:
    """The text with a mark for each character that cannot be stored."""
    return text.replace("\0", "�").encode("utf-8", "replace").decode()


def _is_plain(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return "\0" not in text
