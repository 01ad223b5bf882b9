"""What an error's message shares with others like it: numbers, quoted text, IDs and paths become placeholders."""

import re
from typing import Final

LONGEST: Final = 200  # characters
_READ: Final = 2_000  # of a message that is longer, only its beginning counts
# In this order: an ID holds numbers, and quoted text may hold anything.
_PLACEHOLDERS: Final = tuple(
    (re.compile(pattern), placeholder)
    for pattern, placeholder in (
        (r"(?<!\w)'[^'\n]{0,500}'(?!\w)|\"[^\"\n]{0,500}\"|`[^`\n]{0,500}`|‘[^’\n]{0,500}’|“[^”\n]{0,500}”", "<text>"),
        (r"\b[a-z][a-z0-9+.-]{0,20}://[^\s,;)\]}>]+", "<url>"),
        (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "<id>"),
        (r"\b0[xX][0-9a-fA-F]+\b", "<hex>"),
        (r"\b(?=[0-9a-fA-F]*[0-9])(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,}\b", "<hex>"),
        (r"(?<![\w<])(?:~|\.{1,2})?(?:/[\w.@+-]+){2,}/?|(?<![\w<])/[\w.@+-]+", "<path>"),
        (r"\b[A-Za-z]:\\[^\s,;:]+", "<path>"),
        (r"[-+]?(?:\d[\d_,]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?", "<n>"),
        (r"(?:<n>[.:/ T-]?){2,}", "<n> "),  # a date, an address, a version, a list of numbers
    )
)


def error_shape(message: str) -> str:
    """The message with placeholders, on one line, at most `LONGEST` characters."""
    shape = message[:_READ]
    for pattern, placeholder in _PLACEHOLDERS:
        shape = pattern.sub(placeholder, shape)
    shape = " ".join(shape.split())
    return shape if len(shape) <= LONGEST else shape[: LONGEST - 1] + "…"
