"""A submission is read by code of its own: it takes, refuses and hands on exactly what FastAPI's own way would."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api import problems
from api.middleware import BodyLimit
from api.routes import tasks
from api.routes.submitted_answer import SubmittedAnswer, SubmittedTask
from api.services.callers import Callers
from api.services.task_service import Submitted, TaskService
from throughline.api_keys import hash_of
from throughline.ledger.states import Status

TASK: dict[str, Any] = {
    "task_type": "calculate_var",
    "data": {"portfolio_data": {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150.0}]}},
}
POSITION = TASK["data"]["portfolio_data"]["positions"][0]
MAX_UNPACKED = 4_194_304
STARTS = datetime(2026, 11, 25, 20, 0, 0, 120_000, UTC)


class Service(TaskService):
    """Remembers what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def submit(self, task, caller, idempotency_key=None, sent=None):
        self.asked.append((type(task.root).__name__, task.model_dump(), caller, idempotency_key, sent))
        return Submitted("task-1", task.task_type, Status.PENDING, 3, STARTS)


def with_position(**changes: Any) -> bytes:
    return json.dumps(TASK | {"data": {"portfolio_data": {"positions": [POSITION | changes]}}}).encode()


GOOD = json.dumps(TASK).encode()
BODIES = {
    "good": GOOD,
    "good, with blanks around": b" \r\n" + GOOD + b"\n",
    "a field twice": GOOD[:-1] + b', "priority": "low", "priority": "high"}',
    "a whole number of 22 digits": with_position(quantity=10**21),
    "a seed that no machine word holds": json.dumps(TASK | {"data": TASK["data"] | {"seed": 2**70}}).encode(),
    "null": b"null",
    "a list": b"[]",
    "a number": b"1",
    "cut off": GOOD[:-5],
    "two documents": GOOD + GOOD,
    "a comma too many": GOOD[:-1] + b",}",
    "a control character": GOOD.replace(b"AAPL", b"\t"),
    "deep": GOOD[:-1] + b', "deep": ' + b"[" * 700 + b"]" * 700 + b"}",
    "an unknown type": json.dumps(TASK | {"task_type": "crystal_ball"}).encode(),
    "no type": json.dumps({"data": TASK["data"]}).encode(),
    "no data": b'{"task_type": "calculate_var"}',
    "an unknown field": json.dumps(TASK | {"prioritty": "high"}).encode(),
    "a wrong type below": with_position(price="expensive"),
    "larger than allowed": GOOD + b" " * 1_100_000,
}
PRICE = "data.portfolio_data.positions[0].price"
NO_JSON = {
    "empty": (b"", "it is empty"),
    "blank": (b" \t\r\n", "it is empty"),
    "not a number": (with_position(price=float("nan")), f"{PRICE} is NaN: JSON has no such number"),
    "infinite": (with_position(price=float("inf")), f"{PRICE} is infinite: JSON has no such number"),
    "less than all": (with_position(price=float("-inf")), f"{PRICE} is infinite: JSON has no such number"),
    "not a number where nothing belongs": (b'{"odd": [1, {"x": NaN}]}', "odd[1].x is NaN: JSON has no such number"),
    "not a number and nothing else": (b"NaN", "it is NaN: JSON has no such number"),
    "not a number that is written over": (b'{"a": NaN, "a": 1}', "line 1 column 7 (char 6)"),
    "a number beyond all bounds": (GOOD.replace(b"150.0", b"1e999"), f"{PRICE} is infinite: JSON has no such number"),
    "a number of 5,000 digits": (GOOD.replace(b"100", b"1" * 5_000), "number is infinity when parsed as double"),
    "half a character": (with_position(symbol="\ud800"), "symbol is no valid text"),
    "half a character in a name": (
        GOOD[:-1] + b', "\\udc00": 1}',
        "(body) has the key '\\udc00', which is no valid text",
    ),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, "it begins with a byte order mark (character 0)"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "it is not UTF-8 (byte 0)"),
    "no UTF-8": (b'{"a": "\xff"}', "it is not UTF-8 (byte 7)"),
    "an overlong character": (b'{"a": "\xc0\xaf"}', "it is not UTF-8 (byte 7)"),
    "cut off": (b'{"a": ', "Expecting value (character 6)"),
    "too deep": (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
}
JSON = [("Content-Type", "application/json")]
HEADERS = {
    "no media type": [],
    "text": [("Content-Type", "text/plain")],
    "of text's own": [("Content-Type", "text/x+json")],
    "of a vendor": [("Content-Type", "application/vnd.ours+json")],
    "with a charset": [("Content-Type", "Application/JSON ; charset=utf-8")],
    "two media types": [("Content-Type", "text/plain"), *JSON],
    "a key": [*JSON, ("Idempotency-Key", "abc")],
    "a key in quotes": [*JSON, ("Idempotency-Key", '"a b"')],
    "two keys": [*JSON, ("Idempotency-Key", "first"), ("Idempotency-Key", "second")],
    "a wrong key": [*JSON, ("Idempotency-Key", "a b")],
    "an empty key": [*JSON, ("Idempotency-Key", "")],
    "a Bearer": [*JSON, ("Authorization", "bearer secret")],
    "an API key": [*JSON, ("X-API-Key", "secret")],
    "an unknown caller": [*JSON, ("X-API-Key", "guessed")],
    "a reader": [*JSON, ("X-API-Key", "reading")],
}


def app_with(*, own_route: bool, callers: Callers) -> tuple[FastAPI, Service]:
    app, service = FastAPI(), Service()
    app.state.task_service, app.state.callers = service, callers
    app.add_middleware(BodyLimit, max_unpacked_bytes=MAX_UNPACKED)
    problems.install(app)
    if own_route:
        app.include_router(tasks.router)
    else:
        app.add_api_route("/api/v1/tasks", tasks.submit, methods=["POST"], status_code=201)
    return app, service


def both_ways(content: Any, headers: list[tuple[str, str]], callers: Callers) -> list[tuple[Any, ...]]:
    """What each of the two answers, and what it asks of the service."""

    async def told(*, own_route: bool) -> tuple[Any, ...]:
        app, service = app_with(own_route=own_route, callers=callers)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.post(
                "/api/v1/tasks", content=content() if callable(content) else content, headers=headers
            )
        return answer.status_code, answer.headers.multi_items(), answer.content, service.asked

    return [asyncio.run(told(own_route=own)) for own in (True, False)]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Callers:
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text(f"desk submit {hash_of('secret')}\naudit read {hash_of('reading')}\n")
    return Callers(file)


@pytest.mark.parametrize("name", list(BODIES))
def test_every_body_is_answered_as_fastapi_would(name: str):
    ours, theirs = both_ways(BODIES[name], JSON, Callers(None))
    assert ours == theirs


@pytest.mark.parametrize("media_type", ["application/json", "application/vnd.ours+json"])
@pytest.mark.parametrize("name", list(NO_JSON))
def test_what_is_no_json_is_told_by_that_alone_and_where(name: str, media_type: str):
    body, says = NO_JSON[name]
    (status, _, content, asked), _ = both_ways(body, [("Content-Type", media_type)], Callers(None))

    problem = json.loads(content)
    assert (status, problem["code"], asked) == (400, "MALFORMED_JSON", [])
    assert says in problem["detail"]


@pytest.mark.parametrize("body", ["good", "cut off", "an unknown field"])
@pytest.mark.parametrize("name", list(HEADERS))
def test_all_headers_count_as_in_fastapis_own_way(name: str, body: str, keys: Callers):
    for callers in (keys, Callers(None)):
        ours, theirs = both_ways(BODIES[body], HEADERS[name], callers)
        assert ours == theirs


@pytest.mark.parametrize(("blanks", "status"), [(0, 201), (100_000, 201), (1_100_000, 413)])
def test_a_body_may_come_in_pieces(blanks: int, status: int):
    async def pieces() -> AsyncIterator[bytes]:
        yield GOOD[:10]
        yield GOOD[10:]
        for _ in range(blanks // 1_000):
            yield b" " * 1_000

    ours, theirs = both_ways(pieces, JSON, Callers(None))
    assert ours == theirs
    assert ours[0] == status


def test_a_client_that_goes_away_amid_its_body_submits_nothing():
    async def told(*, own_route: bool) -> tuple[Any, ...]:
        app, service = app_with(own_route=own_route, callers=Callers(None))
        came = iter([{"type": "http.request", "body": GOOD[:10], "more_body": True}])
        answered: list[Any] = []

        async def receive() -> Any:
            return next(came, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            answered.append(message)

        raw = [(name.lower().encode(), value.encode()) for name, value in JSON]
        path = {"method": "POST", "path": "/api/v1/tasks", "query_string": b"", "headers": raw}
        await app({"type": "http", "scheme": "http", "server": ("test", 80)} | path, receive, send)
        return answered, service.asked

    ours, theirs = asyncio.run(told(own_route=True)), asyncio.run(told(own_route=False))
    assert ours == theirs
    assert not ours[1]


def test_a_plain_submission_does_not_go_fastapis_way(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tasks, "SubmittedAnswer", None)  # of the function that FastAPI itself would call
    app, service = app_with(own_route=True, callers=Callers(None))

    async def posted() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return await client.post("/api/v1/tasks", content=GOOD, headers=JSON)

    assert asyncio.run(posted()).status_code == 201
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    "submitted",
    [
        Submitted("task-1", "word_count", Status.PENDING, 1),
        Submitted("task-1", "word_count", Status.PENDING, 12, STARTS),
        Submitted("task-1", "word_count", Status.PENDING, 0, STARTS.replace(microsecond=0)),
        Submitted("task-1", "word_count", Status.SUCCESS, None, replayed=True),
    ],
)
def test_the_answer_is_what_its_model_would_write(submitted: Submitted):
    written = SubmittedTask(
        task_id=submitted.task_id,
        status=submitted.status,
        queue_position=submitted.position,
        estimated_start=submitted.estimated_start,
        from_cache=True if submitted.replayed else None,
    )
    answer = SubmittedAnswer(submitted)
    assert bytes(answer.body).decode() == written.model_dump_json(exclude_none=True)
    assert answer.headers["Location"] == "/api/v1/tasks/task-1"
    assert answer.headers.get("Idempotent-Replayed") == ("true" if submitted.replayed else None)
    assert answer.headers.get("X-Task-Type") == (None if submitted.replayed else "word_count")
