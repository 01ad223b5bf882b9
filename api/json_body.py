"""Whether a request's body is JSON (RFC 8259): Python's own reader takes more, and says less of what is wrong.

A key that comes twice is JSON: its last value counts, as with nearly every reader.
"""

import json
from codecs import BOM_UTF8
from typing import Final

import orjson

from throughline.json_value import TOO_DEEP, wrong_value

_BLANK: Final = b" \t\r\n"


def malformed(body: bytes) -> str:
    """What is wrong and where; empty when the body is JSON."""
    if not body.strip(_BLANK):
        return "it is empty"
    if body.startswith(BOM_UTF8):
        return "it begins with a byte order mark (character 0)"
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return _told(body, str(error))
    return ""


def _told(body: bytes, otherwise: str) -> str:
    """In the words for what Python's reader does not take, or for what it takes and JSON has not."""
    try:
        document = json.loads(body.decode())
    except UnicodeDecodeError as error:
        return f"it is not UTF-8 (byte {error.start})"
    except json.JSONDecodeError as error:
        return f"{error.msg} (character {error.pos})"
    except ValueError:  # a number of more digits than Python reads
        return otherwise
    except RecursionError:
        return f"it is {TOO_DEEP}"
    return wrong_value(document, "" if isinstance(document, dict | list) else "it") or otherwise
