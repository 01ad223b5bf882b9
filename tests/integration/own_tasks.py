"""Tasks as a user would write them, for the tests: each does one thing, and most go wrong in a way of their own."""

import json
import sys
import time
from contextlib import suppress
from datetime import datetime
from typing import Final

from celery import current_app, shared_task
from kombu.exceptions import EncodeError
from pydantic import BaseModel, Field, RootModel, model_validator

from throughline import PermanentError, Run, TemporaryError, task


class Text(BaseModel):
    text: str


class Order(BaseModel):
    """Values that JSON has no words for, and a name that Python has taken."""

    due: datetime
    kind: str = Field(alias="class")


@task("word_count", model=Text, summary="Counts words.", example={"text": "to be or not to be"}, queue="low")
def word_count(data: Text, run: Run) -> dict[str, int]:
    with run.phase("split", words=len(data.text.split())):
        words = data.text.split()
    run.checkpoint(0.5)
    return {"words": len(words)}


@task("take_order", model=Order, example={"due": "2026-11-25T12:00:00Z", "class": "express"})
def take_order(data: Order, run: Run) -> dict[str, object]:
    return {"order": data, "weekday": data.due.isoweekday()}


class Parcel(BaseModel):
    """May come with its address's fields at the top."""

    to: Text
    items: list[Text]

    @model_validator(mode="before")
    @classmethod
    def _in_short(cls, data: dict[str, object]) -> dict[str, object]:
        return data if "to" in data else {"to": {"text": data.get("text")}, "items": data.get("items")}


@task("send_parcel", model=Parcel)
def send_parcel(data: Parcel, run: Run) -> str:
    return data.to.text


class Price(BaseModel):
    price: float | None


@task("repeat", model=Price)
def repeat(data: Price, run: Run) -> dict[str, float | None]:
    return {"price": data.price}


@task("named_like_steps", model=Text)
def named_like_steps(data: Text, run: Run) -> str:
    for name in ("nginx", "api", "publish low", "wait medium", "run fast"):
        with run.phase(name):
            run.log.warning("In a phase named like a step")
    return data.text


@task("look_up", model=Text)
def look_up(data: Text, run: Run) -> object:
    orders: dict[str, object] = {}
    return orders[data.text]


@task("refuse_by_value", model=Text)
def refuse_by_value(data: Text, run: Run) -> None:
    try:
        int(data.text)
    except ValueError as error:
        error.add_note(f"it was {data.text}")
        raise ValueError(f"there is no order {data.text!r}") from error


@task("refuse", model=Text)
def refuse(data: Text, run: Run) -> None:
    raise PermanentError("Orders are closed.")


@task("leave", model=Text)
def leave(data: Text, run: Run) -> None:
    sys.exit(3)


@task("not_a_number", model=Text)
def not_a_number(data: Text, run: Run) -> dict[str, float]:
    return {"price": float("nan")}


@task("not_json", model=Text)
def not_json(data: Text, run: Run) -> dict[str, object]:
    return {"seen": [{1, 2}]}


class Json(BaseModel):
    """A value as Python reads JSON: with NaN."""

    text: str


@task("returns", model=Json)
def returns(data: Json, run: Run) -> object:
    return json.loads(data.text)


@task("passes_on", model=Json)
def passes_on(data: Json, run: Run) -> str:
    return run.submit("submits", {"text": "x", "data": {"more": json.loads(data.text)}})


@shared_task(name="past_the_registry")  # type: ignore[untyped-decorator]
def past_the_registry(text: str) -> object:
    return json.loads(text)


@task("come_back", model=Text, max_retries=1, retry_seconds=1)
def come_back(data: Text, run: Run) -> int:
    if run.attempt == 1 or data.text == "never":
        raise TemporaryError("The exchange is closed.")
    return run.attempt


@task("slow", model=Text, soft_time_limit=4, time_limit=30)
def slow(data: Text, run: Run) -> None:
    for _ in range(600):
        time.sleep(0.05)
        run.checkpoint(0.1)


@task("heedless", model=Text)
def heedless(data: Text, run: Run) -> str:
    """Has no checkpoint."""
    time.sleep(1)
    return data.text


@task("stubborn", model=Text, time_limit=1)
def stubborn(data: Text, run: Run) -> None:
    time.sleep(60)


class Texts(RootModel[list[Text]]):
    """What the tasks of a group gave."""


class TaskId(RootModel[str]):
    """What Celery gives to a `link_error` task: the ID of the one that failed."""


@task("echo", model=Text)
def echo(data: Text, run: Run) -> Text:
    return data


@task("gather", model=Texts)
def gather(data: Texts, run: Run) -> str:
    return " ".join(each.text for each in data.root)


@task("note_failure", model=TaskId)
def note_failure(data: TaskId, run: Run) -> str:
    return data.root


@task("grandparent", model=Text)
def grandparent(data: Text, run: Run) -> str:
    with run.phase("delegate"):
        return run.submit("parent", {"text": data.text}, queue="high")


@task("parent", model=Text, retry_seconds=0.5)
def parent(data: Text, run: Run) -> list[str]:
    children = [run.submit("echo", Text(text=f"{data.text} {number}")) for number in (1, 1, 2)]
    if run.attempt == 1 and data.text == "again":
        raise TemporaryError("The exchange is closed.")
    return children


@task("sends", model=Text)
def sends(data: Text, run: Run) -> str:
    with run.phase("send"):
        return str(current_app.send_task("echo", [{"text": data.text}], queue="low"))


@task("sends_in_vain", model=Text)
def sends_in_vain(data: Text, run: Run) -> str:
    with suppress(EncodeError):
        current_app.send_task("echo", [object()], queue="low")
    with run.phase("after"):
        return str(current_app.send_task("known_elsewhere", [{"text": data.text}], queue="low"))


class Wanted(BaseModel):
    text: str
    task_type: str = "echo"
    queue: str | None = None
    data: dict[str, object] = {}


@task("submits", model=Wanted)
def submits(data: Wanted, run: Run) -> str:
    return run.submit(data.task_type, data.data or {"text": data.text}, queue=data.queue)


class Name(BaseModel):
    name: str


ODD_RESULTS: Final = {
    "nothing": None,
    "an empty text": "",
    "a NUL": "before\0after",
    "letters": "naïve 日本 𝔘𝔫𝔦 🦀 \u2028 \ufeff",
    "escapes": '\\ " \n \r \t \x7f </script>',
    "integers": [0, -1, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1],
    "floats": [0.1 + 0.2, -0.0, 5e-324, 1.7976931348623157e308, 1e22, 1e-7, 100.0],
    "names": {"": 1, "a b": 2, "\0": 3, "ключ": 4, "__proto__": {}},
    "a nest": json.loads('[{"in":' * 60 + '"core"' + "}]" * 60),
    "a megabyte": {"text": "0123456789abcdef" * 62_500},
    "a megabyte of letters": "日本" * 150_000,
}


@task("odd", model=Name)
def odd(data: Name, run: Run) -> object:
    return ODD_RESULTS[data.name]
