"""What surrounds every request: correlation ID, log line, the body's limits, the answer to an unhandled error."""

import logging
import time
from contextlib import AsyncExitStack, nullcontext, suppress
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import Span
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.client_watch import ClientLeft, ClientWatch
from api.content_encoding import Unpacker
from api.presence import NGINX_HEADER, Presence
from api.pulse import Pulse
from api.request_headers import all_values, first_values
from throughline.telemetry import correlation, trace_context, tracing
from throughline.telemetry.logging import event
from throughline.web import methods, slow_body

MAX_BODY_BYTES: Final = 1_048_576  # as NGINX's client_max_body_size, for those who call a replica directly
# Of the answer to a submission that was taken: NGINX writes it into its span and does not pass it on.
TASK_TYPE_HEADER: Final = "X-Task-Type"
_VERSION_HEADER: Final = b"x-service-version"  # of every answer, for NGINX alone too
_NODE_HEADER: Final = b"x-service-node"  # likewise: which replica it was
_SUBMISSION: Final = ("POST", "/api/v1/tasks")

_logger = logging.getLogger("throughline.api")


class RequestContext:
    """Binds the correlation ID to the request and its span, and logs `request.completed`, however the request ends."""

    def __init__(self, app: ASGIApp, version: str, presence: Presence, pulse: Pulse) -> None:
        self._app = app
        self._presence = presence
        self._pulse = pulse
        self._own = ((_VERSION_HEADER, version.encode()), (_NODE_HEADER, presence.node.encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = first_values(scope)
        request_id = correlation.keep_or_make(headers.get(b"x-request-id", b"").decode("latin-1"))
        if nginx := headers.get(NGINX_HEADER):
            self._presence.came_through(nginx)
        current = trace.get_current_span()
        is_valid = current.get_span_context().is_valid
        with correlation.bound(request_id), nullcontext(current) if is_valid else _unrecorded(scope) as span:
            span.set_attribute("correlation_id", request_id)
            if scope["type"] == "http":
                await self._answer(scope, receive, send, span)
            else:
                await self._app(scope, receive, send)  # a WebSocket: no route takes one

    async def _answer(self, scope: Scope, receive: Receive, send: Send, span: Span) -> None:
        started = time.perf_counter()
        status = first_status = 0
        failure: Exception | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status, first_status
            if message["type"] == "http.response.start":
                status = message["status"]
                first_status = first_status or status
            if watch.has_left and status != problems.CLIENT_CLOSED:
                return  # nobody gets it
            if message["type"] == "http.response.start":
                own = (b"x-request-id", correlation.current().encode())
                message["headers"] = [*message["headers"], own, *self._own]
                if span.is_recording():
                    _describe(span, message)  # now: the instrumentation ends the span with the last of the body
            elif not message.get("more_body"):
                watch.answered()
            await send(message)
            if message["type"] == "http.response.start" and failure is not None:
                tracing.mark_failed(span, failure)  # after the instrumentation, which knows no more than the status

        watch = ClientWatch(receive)
        try:
            await self._carry_out(scope, watch, send_with_id)
        except Exception as error:
            failure = error
            _logger.exception("A request ended with an unhandled error")
            if status:
                tracing.mark_failed(span, error)
            else:
                await problems.internal_error(scope["path"])(scope, receive, send_with_id)
        finally:
            _tell(scope, status, time.perf_counter() - started, was_taken=first_status == 201)

    async def _carry_out(self, scope: Scope, watch: ClientWatch, send: Send) -> None:
        """As long as the client is there."""
        with suppress(ClientLeft):
            async with watch:
                if self._pulse.has_stood_still:  # what has come meanwhile may be of clients that gave up: NGINX, say
                    await watch.settle()
                asked, answer = methods.as_get(scope, send)
                await self._app(asked, watch.receive, answer)
        if watch.has_left:  # nobody reads this; but the span, the metric and the log line agree on it
            await problems.client_left()(scope, watch.receive, send)


def _tell(scope: Scope, status: int, seconds: float, *, was_taken: bool) -> None:
    fields = {
        "http.request.method": scope["method"],
        "url.path": scope["path"],
        "http.response.status_code": status,
        "duration_ms": round(seconds * 1000, 3),
    }
    if code := problems.answered_code():
        fields["code"] = code
        if (scope["method"], scope["path"]) == _SUBMISSION and not was_taken:
            event("task.rejected", f"A submission was refused: {code}", {"code": code})
    event("request.completed", f"{scope['method']} {scope['path']} answered {status}", fields)


def _describe(span: Span, answer: Message) -> None:
    tracing.stamp_clock(span)
    if task_id := correlation.current_task():
        span.set_attribute("task_id", task_id)
    if task_type := Headers(raw=answer["headers"]).get(TASK_TYPE_HEADER):
        span.set_attribute("task_type", task_type)


def _unrecorded(scope: Scope) -> tracing.CurrentSpan:
    values = (all_values(scope, name) for name in trace_context.REQUEST_HEADERS)
    return tracing.unrecorded(trace_context.caller(*values))


class BodyLimit:
    """Refuses a body of more than `MAX_BODY_BYTES`, by its declared length or as soon as it has grown past it.

    And one that does not come in time.

    One that comes compressed is unpacked for its route, to no more than `max_unpacked_bytes`.
    """

    def __init__(self, app: ASGIApp, max_unpacked_bytes: int) -> None:
        self._app = app
        self._unpacker = Unpacker(max_unpacked_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = first_values(scope)
        declared = headers.get(b"content-length", b"0")
        declared_too_large = declared.isdigit() and int(declared) > MAX_BODY_BYTES
        received = 0
        receive_in_time = slow_body.in_time(receive)

        async def receive_counted() -> Message:
            nonlocal received
            if not declared_too_large:
                message = await receive_in_time()
                received += len(message.get("body", b""))
                if received <= MAX_BODY_BYTES:
                    return message
            # Raised where the route reads the body: FastAPI lets only an HTTPException through from there.
            raise HTTPException(413, f"The request body is larger than {MAX_BODY_BYTES:,} bytes.", slow_body.CLOSE)

        if b"content-encoding" not in headers:
            await self._app(scope, receive_counted, send)
            return
        async with AsyncExitStack() as request:
            encodings = all_values(scope, "content-encoding")
            await self._app(scope, self._unpacker.reading(encodings, receive_counted, request), send)
