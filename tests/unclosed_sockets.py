"""Where a socket was made that nobody has closed.

The test that fails for it is whichever runs when the garbage is collected, often one of another file.
"""

import re
import socket
import sys
import traceback
from typing import Any, Final

_made: Final[dict[int, tuple[str, str]]] = {}  # file descriptor → test, stack
_test = "the collection of the tests"


def begins(test: str) -> None:
    global _test  # noqa: PLW0603 - one test runs at a time
    _test = test


def install() -> None:
    """After pytest has put its own hook in place."""
    make, report = socket.socket.__init__, sys.unraisablehook

    def made(self: socket.socket, *arguments: Any, **options: Any) -> None:
        make(self, *arguments, **options)
        _made[self.fileno()] = (_test, "".join(traceback.format_stack(limit=12)[:-1]))

    def unraisable(found: Any) -> None:
        number = re.search(r"<socket\.socket fd=(\d+)", str(found.exc_value))
        if number and (place := _made.get(int(number[1]))):
            sys.stderr.write(f"Made in {place[0]} and never closed:\n{place[1]}\n")
        report(found)

    socket.socket.__init__ = made  # type: ignore[method-assign]
    sys.unraisablehook = unraisable
