"""What OTLP's two encodings of spans have in common: whose spans they are, their kinds' numbers, their flags."""

from collections.abc import Iterable, Iterator
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind

Scopes = dict[InstrumentationScope | None, list[ReadableSpan]]

KINDS: Final = {
    SpanKind.INTERNAL: 1,
    SpanKind.SERVER: 2,
    SpanKind.CLIENT: 3,
    SpanKind.PRODUCER: 4,
    SpanKind.CONSUMER: 5,
}
INTEGERS: Final = range(-(2**63), 2**63)  # that either encoding holds; any other is told as text
_KNOWS_WHETHER_REMOTE: Final = 0x100
_IS_REMOTE: Final = 0x200


def by_source(spans: Iterable[ReadableSpan]) -> Iterator[tuple[Resource, Scopes]]:
    """The spans of each resource and, of these, of each instrumentation."""
    # By identity: the hash of a Resource is that of all its attributes as JSON, 5 µs each time.
    sources: dict[int, tuple[Resource, Scopes]] = {}
    for span in spans:
        _, scopes = sources.setdefault(id(span.resource), (span.resource, {}))
        scopes.setdefault(span.instrumentation_scope, []).append(span)
    yield from sources.values()


def flags(context: SpanContext | None) -> int:
    """Of a span or a link: whether the span of this context, its parent's or the link's, is of another process."""
    return _KNOWS_WHETHER_REMOTE | (_IS_REMOTE if context and context.is_remote else 0)
