"""IDs that nobody can guess or meet twice: UUIDs of version 4, from the system's random numbers.

A call of the system for each ID, as the library's own `uuid4` makes it, takes 23 µs on some machines and takes part in
every request; these take what they need from a block of many.
"""

import os
from typing import Final

_BYTES: Final = 16
_IN_A_BLOCK: Final = 256

_unused: Final[list[bytes]] = []
os.register_at_fork(after_in_child=_unused.clear)  # else parent and child would both hand out the same ones


def uuid4() -> str:
    """As `str(uuid.uuid4())`: 36 characters."""
    digits = uuid4_hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def uuid4_hex() -> str:
    """As `uuid.uuid4().hex`: its 32 hex digits."""
    digits = _random().hex()
    return f"{digits[:12]}4{digits[13:16]}{'89ab'[int(digits[16], 16) & 3]}{digits[17:]}"


def _random() -> bytes:
    while True:
        try:
            return _unused.pop()  # one step, whichever threads share the list
        except IndexError:
            block = os.urandom(_BYTES * _IN_A_BLOCK)
            _unused.extend(block[start : start + _BYTES] for start in range(0, len(block), _BYTES))
