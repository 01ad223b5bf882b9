"""Where a long name may go on in the next line: after an underscore, dot or hyphen, before a capital; in no word."""

import re
from typing import Final

from markupsafe import Markup, escape

_LONG: Final = re.compile(r"[\w.:/\-]{14,}")  # what is shorter fits everywhere
_PLACES: Final = re.compile(r"(?<=[_.:/\-])(?=[A-Za-z])|(?<=[a-z])(?=[A-Z][a-z])")


def breakable(text: str) -> Markup:
    """The text as HTML, with `<wbr>` at these places of its long words."""
    parts, end = [], 0
    for word in _LONG.finditer(text):
        parts += [escape(text[end : word.start()]), Markup("<wbr>").join(_PLACES.split(word[0]))]
        end = word.end()
    return Markup("").join([*parts, escape(text[end:])])
