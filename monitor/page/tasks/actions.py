"""What the page can be told to do with chosen tasks. The API does it, asked with the viewer's key: its rules hold."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx

from throughline.client import transport
from throughline.client.answers import document, error_of, is_success
from throughline.client.errors import ApiError
from throughline.client.exchange import Answer
from throughline.journey.quantities import format_count
from throughline.settings import MonitorSettings

MOST: Final = 200  # tasks in one action
_AT_A_TIME: Final = 8
_SECONDS: Final = 12.0  # for all of them; NGINX gives the page 20


@dataclass(frozen=True)
class Action:
    """One thing to do with each of the chosen tasks."""

    name: str
    verb: str
    means: str
    method: str
    path: str

    def question(self, count: int) -> str:
        """`Cancel 3 tasks?`"""
        verb, _, rest = self.verb.partition(" ")
        return f"{verb} {format_count(count, 'task')} {rest}".strip() + "?"


ACTIONS: Final[Mapping[str, Action]] = {
    action.name: action
    for action in (
        Action(
            "cancel",
            "Cancel",
            "A task that waits will never start; a running one stops at its next checkpoint.",
            "DELETE",
            "/api/v1/tasks/{}",
        ),
        Action(
            "replay",
            "Replay",
            "A dead letter goes back into its queue with all its deliveries and retries. Other tasks are refused.",
            "POST",
            "/api/v1/dead-letters/{}/replay",
        ),
        Action(
            "resubmit",
            "Submit again",
            "A new task is made of each, with the same data; the old one stays as it is.",
            "POST",
            "/api/v1/tasks/{}/resubmit",
        ),
    )
}


@dataclass(frozen=True)
class Outcome:
    """What became of one task: done or why not."""

    task_id: str
    done: bool
    words: str
    new_task_id: str = ""


@dataclass(frozen=True)
class Asker:
    """Under which correlation ID, with whose key, and by which confirmation the API is asked."""

    correlation_id: str
    key: str
    once: str  # a form that is sent twice submits nothing a second time
    why: str = ""

    def headers(self, about: str) -> httpx.Headers:
        """`about` is a task's ID, or what else is to be changed."""
        key = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        once = f"{self.once}-{about}".encode("ascii", "backslashreplace").decode().replace('"', "")[:255]
        why = {"X-Why": self.why} if self.why else {}
        told = {"X-Request-ID": self.correlation_id, "Idempotency-Key": f'"{once}"'}
        return httpx.Headers(told | key | why, encoding="utf-8")


class _NotDone(Exception):
    """Why, in words for people."""


class TaskActions:
    """Asks the API, a few tasks at a time."""

    def __init__(self, settings: MonitorSettings) -> None:
        self._http = httpx.AsyncClient(**transport.options(settings.api_url, None, _AT_A_TIME))
        self._where = settings.api_url

    async def close(self) -> None:
        await self._http.aclose()

    async def carry_out(self, action: Action, task_ids: Sequence[str], asker: Asker) -> list[Outcome]:
        """One outcome for each task, in their order, within the deadline."""
        places = asyncio.Semaphore(_AT_A_TIME)

        async def ask(task_id: str) -> Outcome:
            async with places:
                return await self._ask(action, task_id, asker)

        asked = [asyncio.ensure_future(ask(task_id)) for task_id in task_ids]
        _, late = await asyncio.wait(asked, timeout=_SECONDS)
        for each in late:
            each.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        unknown = f"No answer came within {_SECONDS:.0f} s: look at the task to see whether it was done."
        return [
            Outcome(task_id, done=False, words=unknown) if each in late else each.result()
            for task_id, each in zip(task_ids, asked, strict=True)
        ]

    async def close_circuit(self, asker: Asker) -> str:
        """Why it was not done; empty when it was."""
        try:
            await self._answer("POST", "/api/v1/queues/circuit/close", asker.headers("circuit"))
        except _NotDone as why:
            return str(why)
        return ""

    async def _ask(self, action: Action, task_id: str, asker: Asker) -> Outcome:
        try:
            answer = await self._answer(
                action.method, action.path.format(quote(task_id, safe="")), asker.headers(task_id)
            )
            return _done(action, task_id, document(answer, "task_id", "status"))
        except ApiError as refusal:
            return Outcome(task_id, done=False, words=f"{refusal.detail} ({refusal.code})")
        except _NotDone as why:
            return Outcome(task_id, done=False, words=str(why))

    async def _answer(self, method: str, path: str, headers: httpx.Headers) -> Answer:
        """A success; raises `_NotDone`."""
        try:
            response = await self._http.request(method, path, headers=headers, timeout=5)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = f"The API at {self._where} does not answer ({type(error).__name__}); API_URL names it."
            raise _NotDone(why) from None
        answer = transport.answer_of(response, response.content)
        if is_success(answer):
            return answer
        refusal = error_of(answer)
        raise _NotDone(f"{refusal.detail} ({refusal.code})")


def _done(action: Action, task_id: str, told: Mapping[str, Any]) -> Outcome:
    if action.name == "resubmit":
        return Outcome(task_id, done=True, words="submitted again as", new_task_id=str(told["task_id"]))
    if action.name == "replay":
        return Outcome(task_id, done=True, words=f"back in {told.get('queue', 'its queue')}")
    stopped = told["status"] == "REVOKED"
    return Outcome(task_id, done=True, words="cancelled" if stopped else "asked to stop at its next checkpoint")
