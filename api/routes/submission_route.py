"""A submission's route: the request that comes most often is read by a few lines, not by all that FastAPI has for any.

FastAPI's own way through a route (dependencies, body, answer) takes 70 µs of processor time, this one 10. Whatever is
not a plain submission goes FastAPI's way, so every error is told as on any other route.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.types import Message, Receive, Scope, Send

from api.errors import MalformedJson
from api.json_body import malformed
from api.request_headers import first_values
from api.routes.authorization import key_sent
from api.routes.idempotency_key import unquoted
from api.routes.submitted_answer import SubmittedAnswer
from api.services import callers
from api.submission import LARGE_BYTES, ModelBroken, Sent, TaskSubmission

_JSON: Final = re.compile(rb"application/(.+\+)?json")  # what FastAPI reads as JSON


class SubmissionRoute(APIRoute):
    """A route whose function puts a `TaskSubmission` into its queue."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = first_values(scope)
        media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if scope["method"] != "POST" or not _JSON.fullmatch(media_type):
            await super().handle(scope, receive, send)
            return
        body, ended = await _body(receive)
        if not ended:
            await super().handle(scope, receive, send)
            return
        is_large = len(body) > LARGE_BYTES
        document = await asyncio.to_thread(_json, body) if is_large else _json(body)
        if document is None:
            await _check(body)
            await super().handle(scope, _replayed(body, receive), send)
            return
        state = scope["app"].state
        caller = state.callers.identify(_key(headers), callers.Scope.SUBMIT)
        key = headers.get(b"idempotency-key")
        idempotency_key = None if key is None else unquoted(key.decode("latin-1"))
        try:
            # Much of what a model does with a large matrix is Python: in a thread it takes turns with other requests.
            validated = TaskSubmission.model_validate
            task = await asyncio.to_thread(validated, document) if is_large else validated(document)
        except (ValidationError, ModelBroken, RecursionError):
            await _check(body)  # what is wrong in a body that is no JSON is told by that alone
            await super().handle(scope, _replayed(body, receive), send)
            return
        sent = await asyncio.to_thread(Sent.of, body) if is_large else Sent.of(body)
        submitted = await state.task_service.submit(task, caller, idempotency_key, sent)
        await SubmittedAnswer(submitted)(scope, receive, send)


async def _check(body: bytes) -> None:
    why = await asyncio.to_thread(malformed, body) if len(body) > LARGE_BYTES else malformed(body)
    if why:
        raise MalformedJson(why)


def _key(headers: Mapping[bytes, bytes]) -> str:
    authorization, key = headers.get(b"authorization", b""), headers.get(b"x-api-key", b"")
    return key_sent(authorization.decode("latin-1"), key.decode("latin-1"))


async def _body(receive: Receive) -> tuple[bytes, bool]:
    """The body, and whether it came to its end before the client went away."""
    message = await receive()
    body = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body, message["type"] == "http.request"


def _json(body: bytes) -> Any:
    """As FastAPI reads it; None for what it would refuse."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _replayed(body: bytes, receive: Receive) -> Receive:
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def replay() -> Message:
        return next(messages, None) or await receive()

    return replay
