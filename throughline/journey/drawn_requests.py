"""Draws what NGINX and the API did from their log lines, for each step that left no span."""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from throughline.journey.log_placement import Line
from throughline.journey.role import Role
from throughline.journey.span import Span

CLOCK_GRAIN_NS: Final = 10 * 10**6  # NGINX's clock ticks in milliseconds, and is read once per round of its event loop
# Refusals after Redis was asked: those before it have no publication.
_ASKED_FIRST: Final = {"CIRCUIT_OPEN", "MEMORY_FULL", "BROKER_UNAVAILABLE", "IDEMPOTENCY_KEY_REUSED"}
_HTTP_FIELDS: Final = ("http.request.method", "url.path", "http.response.status_code", "upstream.address")

Key = tuple[str, str]


def drawn_requests(
    spans: Sequence[Span], lines: Sequence[Line], published_ns: Mapping[str, int]
) -> tuple[list[Span], list[Span]]:
    """The spans that were found, with those that are drawn as their parents, and the drawn ones.

    `published_ns`: when each task was sent, as the worker knows it from its message.
    """
    nginx = _nginx_spans(spans, lines)
    answers = [line for line in lines if _is(line, "api", "request.completed")]
    calls = _Calls([*spans, *nginx], answers)
    apis = [calls.drawn(line) for line in answers if not calls.has_span(line)]
    publications = _publications(spans, lines, calls, published_ns)
    return [calls.below_its_api(span) for span in spans], [*nginx, *apis, *publications]


def publications_of_children(
    spans: Sequence[Span], lines: Iterable[Line], published_ns: Mapping[str, int]
) -> Iterator[Span]:
    """What running tasks submitted."""
    known = {span.task_id for span in spans if span.role is Role.PUBLISH}
    for line in lines:
        if _is(line, "worker", "task.submitted") and line.fields.get("task_id") not in known:
            yield _publication(line, None, published_ns)


def key_of(line: Line) -> Key:
    return str(line.fields.get("trace.id", "")), str(line.fields.get("span.id", ""))


def milliseconds_ns(line: Line, field: str) -> int:
    """Zero for a field that is absent or is no number."""
    value = line.fields.get(field)
    return max(0, round(value * 1e6)) if isinstance(value, int | float) else 0


def is_unsampled(line: Line) -> bool:
    return line.fields.get("trace.sampled") is False


def drawn(line: Line, role: Role, span_id: str, start_ns: int, **rest: Any) -> Span:
    """A span that ends when the line was written."""
    end_ns = line.at_ns or 0
    attributes = {name: line.fields[name] for name in ("correlation_id", "task_id") if line.fields.get(name)}
    return Span(
        trace_id=key_of(line)[0],
        span_id=span_id,
        parent_id=rest.pop("parent_id", ""),
        name=rest.pop("name", role.value),
        service=str(line.fields.get("service.name", "")),
        node=str(line.fields.get("service.node.name", "")),
        start_ns=min(start_ns, end_ns),
        end_ns=end_ns,
        attributes=attributes | rest.pop("attributes", {}),
        from_lines=True,
        unsampled=is_unsampled(line),
        version=str(line.fields.get("service.version", "")),
        **rest,
    )


def _is(line: Line, service: str, action: str) -> bool:
    fields = line.fields
    told = fields.get("service.name") == service and fields.get("event.action") == action
    return told and line.at_ns is not None


def _http(line: Line) -> dict[str, Any]:
    return {name: line.fields[name] for name in _HTTP_FIELDS if name in line.fields}


def _begin(line: Line) -> int:
    return (line.at_ns or 0) - milliseconds_ns(line, "duration_ms")


def _nginx_spans(spans: Iterable[Span], lines: Iterable[Line]) -> list[Span]:
    known = {span.key for span in spans if span.role is Role.NGINX}
    answered = {_path(line) for line in lines if _is(line, "api", "request.completed")}
    return [
        drawn(line, Role.NGINX, key_of(line)[1], _begin(line), kind="server", attributes=_http(line))
        for line in lines
        if _is(line, "nginx", "request.completed") and key_of(line) not in known and _is_for_the_api(line, answered)
    ]


def _is_for_the_api(line: Line, answered: Container[tuple[str, str]]) -> bool:
    """The page's own requests, a viewer's look at this journey say, never leave spans: they are no part of it."""
    return _path(line)[1].startswith("/api/") or _path(line) in answered


def _path(line: Line) -> tuple[str, str]:
    return key_of(line)[0], str(line.fields.get("url.path", ""))


class _Calls:
    """Which replica answered which request of NGINX."""

    def __init__(self, spans: Sequence[Span], answers: Iterable[Line]) -> None:
        self._by_key = {span.key: span for span in spans}
        self._answers = Counter(map(key_of, answers))
        self._nginx: dict[tuple[object, ...], list[Span]] = {}
        self._apis = {span.key: span for span in spans if span.role is Role.API}
        self._by_line: dict[Key, list[Span]] = {}  # drawn ones, by the span that their lines name
        self._api_below: dict[Key, Span] = {}  # drawn ones, by NGINX's span
        answered = {span.parent_key for span in self._apis.values()}
        for span in spans:
            if span.role is Role.NGINX and span.key not in answered:
                self._nginx.setdefault(_asked(span), []).append(span)

    def has_span(self, line: Line) -> bool:
        return key_of(line) in self._apis

    def drawn(self, line: Line) -> Span:
        """The API's step. A replica without spans of its own names that of NGINX in its lines."""
        trace_id, named = key_of(line)
        # Of several requests without NGINX, all may name the span of their caller.
        is_own = bool(named) and (trace_id, named) not in self._by_key and self._answers[trace_id, named] == 1
        span_id = named if is_own else f"{named}/api/{line.at_ns}"
        api = drawn(line, Role.API, span_id, _begin(line), kind="server", attributes=_http(line))
        nginx = self._by_key.get((trace_id, named)) or self._around(api)
        if nginx is not None and nginx.role is Role.NGINX:
            api = replace(api, parent_id=nginx.span_id)
            self._api_below.setdefault(nginx.key, api)
        self._by_line.setdefault((trace_id, named), []).append(api)
        return api

    def of(self, line: Line) -> Span | None:
        """The API's step in which the line was written."""
        key, at_ns = key_of(line), line.at_ns or 0
        drawn_ones = self._by_line.get(key, ())
        return self._apis.get(key) or next((api for api in drawn_ones if api.start_ns <= at_ns <= api.end_ns), None)

    def below_its_api(self, span: Span) -> Span:
        """What a replica without a span of its own did has NGINX's as its parent."""
        api = self._api_below.get(span.parent_key)
        return replace(span, parent_id=api.span_id) if api and span.service == "api" else span

    def _around(self, api: Span) -> Span | None:
        """The request of NGINX that it answered, by its time: lines do not name their span's parent."""
        waiting = self._nginx.get(_asked(api), [])
        around = [
            nginx
            for nginx in waiting
            if nginx.start_ns - CLOCK_GRAIN_NS <= api.start_ns and api.end_ns <= nginx.end_ns + CLOCK_GRAIN_NS
        ]
        if not around:
            return None
        found = min(around, key=lambda nginx: abs(nginx.end_ns - api.end_ns))
        waiting.remove(found)
        return found


def _asked(span: Span) -> tuple[object, ...]:
    return span.trace_id, *(span.attributes.get(name) for name in _HTTP_FIELDS[:3])


def _tells_a_publication(line: Line) -> bool:
    action = line.fields.get("event.action")
    refused = action == "task.rejected" and line.fields.get("code") in _ASKED_FIRST
    accepted = action in {"task.submitted", "task.replayed"} and bool(line.fields.get("task_id"))
    return line.at_ns is not None and (accepted or refused)


def _publications(
    spans: Iterable[Span], lines: Iterable[Line], calls: "_Calls", published_ns: Mapping[str, int]
) -> list[Span]:
    real = [span for span in spans if span.role is Role.PUBLISH]
    keys = {key for span in real for key in (span.key, span.parent_key)}
    tasks = {span.task_id for span in real}
    return [
        _publication(line, calls.of(line), published_ns)
        for line in lines
        if line.fields.get("service.name") == "api"
        and _tells_a_publication(line)
        and key_of(line) not in keys
        and not (line.fields.get("event.action") == "task.submitted" and line.fields.get("task_id") in tasks)
    ]


def _publication(line: Line, api: Span | None, published_ns: Mapping[str, int]) -> Span:
    fields, at_ns = line.fields, line.at_ns or 0
    accepted = fields.get("event.action") == "task.submitted"
    # From its message's time to the line Redis was called; until it has started the end alone is known.
    begun = published_ns.get(str(fields.get("task_id", "")), at_ns) if accepted else at_ns
    told = ("task_type", "queue", "parent_id") if accepted else ("code",)
    publication = drawn(
        line,
        Role.PUBLISH,
        f"{key_of(line)[1]}/publish/{at_ns}",
        max(begun, api.start_ns) if api else begun,
        parent_id=api.span_id if api else "",
        name=f"publish {fields.get('queue', '')}".strip(),
        kind="producer",
        attributes={name: fields[name] for name in told if name in fields},
    )
    return publication if accepted else replace(publication, attributes=_without_task(publication))


def _without_task(publication: Span) -> dict[str, Any]:
    """What was refused, or accepted before, has no task of its own."""
    return {name: value for name, value in publication.attributes.items() if name != "task_id"}
