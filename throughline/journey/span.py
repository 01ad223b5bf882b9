"""A span as its process wrote it: one OTLP/JSON export a line, of which any may be torn or odd."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

_ERROR: Final = (2, "STATUS_CODE_ERROR")
_YEAR_10000_NS: Final = 253_402_300_800 * 10**9


class Role(StrEnum):
    """What a span's name says it is; the vocabulary lists the names."""

    NGINX = "nginx"
    API = "api"
    PUBLISH = "publish"
    WAIT = "wait"
    RUN = "run"
    PHASE = "phase"


_ROLES: Final = {role.value: role for role in Role}


@dataclass(frozen=True)
class Span:
    """One step of a request, in nanoseconds since the epoch."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    service: str
    node: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Any]
    failed: bool = False

    @property
    def role(self) -> Role:
        return _ROLES.get(self.name.partition(" ")[0], Role.PHASE)

    @property
    def key(self) -> tuple[str, str]:
        return self.trace_id, self.span_id

    @property
    def parent_key(self) -> tuple[str, str]:
        return self.trace_id, self.parent_id

    @property
    def lost(self) -> bool:
        """Whether it is a run that its own process could not write: that of the next attempt did."""
        return self.role is Role.RUN and "cause" in self.attributes

    @property
    def place(self) -> str:
        """The instance where it happened."""
        return str(self.attributes.get("worker", self.node)) if self.lost else self.node

    @property
    def task_id(self) -> str:
        return str(self.attributes.get("task_id", ""))


def spans_in(export: Mapping[str, Any]) -> Iterator[Span]:
    """The readable spans of one export."""
    for resource_spans in _list(export, "resourceSpans"):
        resource = _attributes(resource_spans.get("resource", {}))
        for scope_spans in _list(resource_spans, "scopeSpans"):
            for span in _list(scope_spans, "spans"):
                # A span that is not what it should be must not hide the others.
                with suppress(KeyError, TypeError, ValueError, OverflowError):
                    yield _span(span, resource)


def _span(span: Mapping[str, Any], resource: Mapping[str, Any]) -> Span:
    attributes = _attributes(span)
    start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    if "request_time" in attributes:
        # NGINX cannot subtract: it writes its span's end twice, and beside it how long the request took.
        start = end - round(float(attributes["request_time"]) * 1e9)
    if not 0 <= start < _YEAR_10000_NS or not 0 <= end < _YEAR_10000_NS:
        raise ValueError("not a time")
    return Span(
        trace_id=str(span["traceId"]),
        span_id=str(span["spanId"]),
        parent_id=str(span.get("parentSpanId") or ""),
        name=str(span["name"]),
        service=str(resource.get("service.name", "")),
        node=str(resource.get("service.instance.id", "")),
        start_ns=start,
        end_ns=max(start, end),  # two hosts' clocks may differ by more than a short wait lasts
        attributes=attributes,
        failed=(span.get("status") or {}).get("code") in _ERROR,
    )


def _list(holder: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    members = holder.get(name)
    return [member for member in members if isinstance(member, dict)] if isinstance(members, list) else []


def _attributes(holder: Any) -> dict[str, Any]:
    found = {}
    if isinstance(holder, dict):
        for attribute in _list(holder, "attributes"):
            with suppress(KeyError, TypeError, ValueError, AttributeError):
                ((kind, value),) = attribute["value"].items()
                # 64-bit numbers are strings in OTLP/JSON.
                value = int(value) if kind == "intValue" else value
                if isinstance(value, str | int | float):
                    found[str(attribute["key"])] = value
    return found
