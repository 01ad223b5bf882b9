"""Where the next page of a list begins, as text for a URL: a task's place, bound to the filters and the order.

base64url of: version (1 byte), digest of filters and order (4), digest of all the rest (4), submitted_at (8), task ID.
"""

import base64
import binascii
import hashlib
import math
import struct
import uuid
from contextlib import suppress
from typing import Final

from throughline.ledger.task_query import Place, TaskQuery

_VERSION: Final = 1
_HEAD: Final = struct.Struct(">B4s4sd")
LONGEST: Final = 4_096  # a stock Celery client may give its task any ID
_NONE: Final = "This is no cursor of this service"


class InvalidCursor(ValueError):
    """It was made up, changed or cut off, or comes from a list of other filters or another order."""


def cursor_of(place: Place, query: TaskQuery) -> str:
    """The cursor with which a list of the same filters and order goes on after the place."""
    task_id = _packed(place.task_id)
    filters = _filters(query)
    check = _check(filters, place.submitted_at, task_id)
    packed = _HEAD.pack(_VERSION, filters, check, place.submitted_at) + task_id
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def place_of(cursor: str, query: TaskQuery) -> Place:
    """The place that it stands for; raises `InvalidCursor`."""
    packed = _decoded(cursor)
    if len(packed) <= _HEAD.size:
        raise InvalidCursor(_NONE)
    version, filters, check, submitted_at = _HEAD.unpack(packed[: _HEAD.size])
    task_id = packed[_HEAD.size :]
    if version != _VERSION or check != _check(filters, submitted_at, task_id) or not math.isfinite(submitted_at):
        raise InvalidCursor(_NONE)
    if filters != _filters(query):
        raise InvalidCursor(
            "This cursor belongs to a list with other filters or another order: send those with it, or no cursor"
        )
    return Place(submitted_at, _unpacked(task_id))


def _filters(query: TaskQuery) -> bytes:
    """Without the limit, which may differ from page to page, and the caller, whom every list is bound to anyway."""
    told = (
        query.correlation_id,
        sorted({status.value for status in query.statuses}),
        query.task_type,
        query.queue,
        query.worker,
        query.error_type,
        query.submitted_after,
        query.submitted_before,
        query.slower_than_ms,
        query.newest_first,
    )
    return _digest(repr(told).encode("utf-8", "surrogatepass"))


def _check(filters: bytes, submitted_at: float, task_id: bytes) -> bytes:
    return _digest(struct.pack(">4sd", filters, submitted_at) + task_id)


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=4).digest()


def _decoded(cursor: str) -> bytes:
    if len(cursor) <= LONGEST:
        try:
            packed = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except (binascii.Error, UnicodeEncodeError):
            packed = b""
        if base64.urlsafe_b64encode(packed).rstrip(b"=").decode() == cursor:  # each cursor has one spelling
            return packed
    raise InvalidCursor(_NONE)


def _packed(task_id: str) -> bytes:
    """The 16 bytes of an ID as the front door makes it; any other in UTF-8 after a zero byte."""
    with suppress(ValueError):
        made = uuid.UUID(task_id)
        if str(made) == task_id and made.bytes[0] != 0:
            return made.bytes
    return b"\0" + task_id.encode("utf-8", "surrogatepass")


def _unpacked(packed: bytes) -> str:
    if packed[0] != 0 and len(packed) == 16:
        return str(uuid.UUID(bytes=packed))
    try:
        task_id = packed[1:].decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise InvalidCursor(_NONE) from None
    if packed[0] != 0 or "\0" in task_id:
        raise InvalidCursor(_NONE)
    return task_id
