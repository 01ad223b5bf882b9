"""The instrumentation reads ten headers of each request, and decodes the names of all headers for each of them: 7 µs.

A value that is not UTF-8 it reads as Python's `unicode_escape`, which many are not: to a `User-Agent` of `\\xff\\x` it
answers 500, outside of all middleware of ours.

Upstream: open-telemetry/opentelemetry-python-contrib#1478 and its pull request #2837, which is open; none found for the
time.
Seen: opentelemetry-instrumentation-asgi 0.66b1.
Can go: when tests/integration/test_server_span.py passes without it, and a look-up no longer decodes every name.
"""

from collections.abc import Mapping
from typing import Any

from opentelemetry.instrumentation import asgi


class HeaderValues(asgi.ASGIGetter):
    """All values of a header, whose name a server gives in lower case; one of ours is asked for in another."""

    def get(self, carrier: Mapping[str, Any], key: str) -> list[str] | None:
        wanted = key.lower().encode()
        return [as_text(value) for name, value in carrier.get("headers") or () if name == wanted] or None


def as_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def install() -> None:
    asgi.asgi_getter = HeaderValues()
    asgi._decode_header_item = as_text
