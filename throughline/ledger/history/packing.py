"""What is kept of a task beside the columns: bytes that come back as the same text, compressed if that saves much."""

import json
import zlib
from typing import Final

from throughline.ledger.stored_task import StoredTask

_WORTH_COMPRESSING: Final = 2_048  # bytes: below, zlib saves less than it costs
_PLAIN, _ZLIB = b"=", b"z"
LARGEST_PLAIN: Final = len(_PLAIN) + _WORTH_COMPRESSING


def packed(text: str) -> bytes | None:
    """None for an empty text."""
    if not text:
        return None
    content = text.encode("utf-8", "surrogatepass")
    if len(content) <= _WORTH_COMPRESSING:
        return _PLAIN + content
    return _ZLIB + zlib.compress(content, 1)


def unpacked(stored: bytes | None) -> str:
    """The text as it was given to `packed`."""
    if not stored:
        return ""
    content = zlib.decompress(stored[1:]) if stored[:1] == _ZLIB else stored[1:]
    return content.decode("utf-8", "surrogatepass")


def if_plain(stored: bytes | None) -> bytes | None:
    """None for what is compressed: it may be short here and long for who reads it."""
    return stored if stored and stored[:1] == _PLAIN else None


def packed_record(task: StoredTask) -> bytes:
    """Its ID, fields, attempts and changes. Not by orjson: it refuses half of a surrogate pair, as a name may hold."""
    kept = [task.task_id, dict(task.fields), list(task.attempts), list(task.changes)]
    return packed(json.dumps(kept, separators=(",", ":"))) or b""


def unpacked_task(record: bytes, result: bytes | None, message: bytes | None) -> StoredTask:
    """The task as it was given to `archive`."""
    task_id, fields, attempts, changes = json.loads(unpacked(record))
    return StoredTask(task_id, fields, tuple(attempts), tuple(changes), unpacked(result), unpacked(message))
