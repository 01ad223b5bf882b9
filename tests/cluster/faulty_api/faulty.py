"""The api, of which each replica takes one task and answers 500 to all that come later."""

from itertools import count

from starlette.types import Receive, Scope, Send

from api.main import app as api

_submissions = count(1)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http" or scope["method"] != "POST" or next(_submissions) == 1:
        await api(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 500, "headers": []})
    await send({"type": "http.response.body", "body": b"A fault that was made for a test"})
