"""Text of strangers as it stands, with what nobody sees written out: a mark can turn the text beside it around."""

import unicodedata
from typing import Final

_KEPT: Final = frozenset("\n ")


def visible(text: str) -> str:
    """Control and format characters (right-to-left marks, zero-width spaces) as JSON escapes them, `\\u202e`."""
    if text.isprintable():
        return text
    return "".join(each if _is_seen(each) else _escaped(each) for each in text)


def in_one_line(text: str, most: int) -> str:
    """The same on one line, cut at `most` characters."""
    shown = visible(" ".join(text[: 2 * most].split()))
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def _is_seen(character: str) -> bool:
    return character.isprintable() or character in _KEPT or unicodedata.category(character) == "Zs"


def _escaped(character: str) -> str:
    code = ord(character)
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
