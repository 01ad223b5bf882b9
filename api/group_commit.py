"""Sends all calls of scripts that come within one turn of the event loop to Redis as one pipeline, on one connection.

So they share a write, a read, a timer, and Redis's fsync. The rules:

- No call is refused while answers arrive: a thousand at once on a healthy Redis are only slow. When none, or none but
  errors, has arrived for the time that a call may wait, each call fails as soon as it has waited for that time itself.
- A lost connection is replaced, and what it left unanswered is sent again. A script that ran, but whose answer was
  lost, finds out that it did.
- What was sent is not unsent: a request that has gone leaves its answer to nobody. What waits is dropped with it.
- A change that was sent is waited for even by a request whose client has left: whatever was done is told in full.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, NoScriptError, RedisError, ResponseError

from api.deadline import answered_within
from api.shared_connection import SharedConnection
from api.waiting_calls import WaitingCall, WaitingCalls
from throughline.ledger import packed_script
from throughline.ledger.script import Call, Script, T

_PAUSE_SECONDS: Final = 0.05  # before connecting again
_ROUNDS, _ROUND_SECONDS = 5, 0.01


class NoAnswer(ConnectionError):
    """Redis did not answer in time; whether it has carried out the call is not known."""


class GroupCommit:
    """`await group_commit(call)` is the call's answer; raises `RedisError`, or `NoAnswer` after so many seconds."""

    def __init__(self, redis_url: str, seconds: float) -> None:
        # Timeouts of redis-py's own are plain ones: deadline.py says what is wrong with those here.
        self._pool = ConnectionPool.from_url(
            redis_url, protocol=2, socket_timeout=None, socket_connect_timeout=None, retry=Retry(NoBackoff(), 0)
        )
        self._seconds = seconds
        self._gathered: list[WaitingCall] = []  # in this turn of the loop
        self._waiting = WaitingCalls()
        self._connection: SharedConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._loaded: set[str] = set()  # hashes of the scripts whose text this connection has sent
        self._opened = 0.0  # when it was made
        self._heard = 0.0  # when the last call was answered with more than an error
        self._trouble: Exception | None = None  # since then
        self._timer: asyncio.Handle | None = None
        self._is_closed = False

    async def __call__(self, call: Call[T], *, is_change: bool = False) -> T:
        if self._is_closed:
            raise NoAnswer("This replica has stopped")
        loop = asyncio.get_running_loop()
        answer = _ChangesAnswer(loop=loop) if is_change else loop.create_future()
        arguments = call.script.arguments(call.args, now="")
        command = packed_script.call(call.script.sha, call.keys, arguments)
        if not self._gathered:
            loop.call_soon(self._take_turn)
        waiting = WaitingCall(call.script, command, answer)
        self._gathered.append(waiting)
        try:
            if isinstance(answer, _ChangesAnswer):
                answer.call = waiting
                return call.read(await answer.wait())
            return call.read(await answer)
        except ResponseError as error:
            return call.refusal(error)

    async def close(self) -> None:
        """Takes no call any more, waits until those that came are answered or refused, then disconnects."""
        self._is_closed = True
        if owed := [each.answer for each in (*self._gathered, *self._waiting) if each.answer is not None]:
            await asyncio.wait(owed)
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        if self._timer is not None:
            self._timer.cancel()
        if self._connection is not None:
            await self._connection.close()

    def _take_turn(self) -> None:
        now = time.monotonic()
        for call in self._gathered:
            call.since = now
            self._waiting.add(call)
        self._gathered.clear()
        if self._timer is None:
            self._look()
        self._send()

    def _send(self) -> None:
        if self._connection is None or not self._connection.is_open:
            if self._connecting is None and self._waiting.oldest() is not None:
                self._connecting = asyncio.create_task(self._connect())
            return
        pipeline: list[bytes] = []
        while (call := self._waiting.next()) is not None:
            if not call.has_gone:
                if call.script.sha not in self._loaded:
                    pipeline.append(self._text_of(call.script))
                pipeline.append(call.packed)
                self._waiting.sent(call)
        if pipeline:
            self._connection.send(pipeline)

    def _text_of(self, script: Script) -> bytes:
        """Goes before the first call of a script on a connection; a fault of it shows in that call."""
        self._loaded.add(script.sha)
        command = packed_script.load(script.text)
        self._waiting.sent(WaitingCall(script, command, since=time.monotonic()))
        return command

    def _answered(self, answers: Sequence[Any]) -> None:
        again: list[WaitingCall] = []
        for answer in answers:
            call = self._waiting.answered()
            if isinstance(answer, BusyLoadingError):  # it has just started: what comes after this has the same answer
                self._waiting.put_back_sent()
                self._waiting.put_back([*again, call])
                self._lost(answer)
                return
            if isinstance(answer, NoScriptError) and not call.is_again:
                call.is_again = True
                self._loaded.discard(call.script.sha)
                again.append(call)
            elif call.answer is None or call.answer.done():
                continue
            elif isinstance(answer, Exception):
                call.answer.set_exception(answer)
            else:
                call.answer.set_result(answer)
        # One error, and the end of the connection, may be all that Redis says: it wants a password, say.
        if not all(isinstance(answer, Exception) for answer in answers):
            self._heard, self._trouble = time.monotonic(), None
        self._waiting.put_back(again)
        self._send()

    def _lost(self, error: Exception) -> None:
        """What has no answer is sent again, on another connection."""
        if self._connection is not None:
            self._connection.abort()
        self._loaded.clear()
        self._waiting.put_back_sent()
        self._trouble = None if self._waiting.oldest() is None else error  # an idle connection may be closed
        self._send()

    async def _connect(self) -> None:
        """Tries until it succeeds or no call waits for it any more."""
        try:
            if self._connection is not None:
                await self._connection.close()
            while self._waiting.oldest() is not None:
                if self._trouble is not None:
                    await asyncio.sleep(_PAUSE_SECONDS)
                try:
                    async with answered_within(self._seconds):
                        self._connection = await SharedConnection.open(self._pool, self._answered, self._lost)
                    self._opened = time.monotonic()
                    break
                except (RedisError, OSError) as error:
                    self._trouble = error
        finally:
            self._connecting = None
        self._send()

    def _look(self, rounds: int = _ROUNDS) -> None:
        """Refuses what is overdue, or looks again when something will be.

        A busy loop may find the time over before it has read what has arrived, or sent what it was to send: it gets
        some rounds of a real length for both.
        """
        self._timer = None
        since = self._waiting.oldest()
        if since is None:
            return
        left = max(since, self._heard) + self._seconds - time.monotonic()
        loop = asyncio.get_running_loop()
        if left > 0:
            self._timer = loop.call_later(left, self._look)
        elif rounds:
            self._timer = loop.call_later(_ROUND_SECONDS, self._look, rounds - 1)
        else:
            self._refuse()
            self._look()

    def _refuse(self) -> None:
        now = time.monotonic()
        for call in self._waiting.overdue(now - self._seconds):
            if call.answer is not None:
                call.answer.set_exception(NoAnswer(f"Redis did not answer in time: {self._trouble or 'it is silent'}"))
        # A new connection has its own time: on a Redis that is slow rather than away, its first answer is near.
        if now - max(self._opened, self._heard) >= self._seconds:
            self._lost(self._trouble or TimeoutError("Redis is silent"))


class _ChangesAnswer(asyncio.Future[Any]):
    """Its request waits for it even when that is cancelled, once the change has gone to Redis."""

    call: WaitingCall

    def cancel(self, msg: Any | None = None) -> bool:
        return False if self.call.was_sent else super().cancel(msg)

    async def wait(self) -> Any:
        try:
            return await self
        except asyncio.CancelledError:
            if self.cancelled() or not self.done():
                raise
            return self.result()  # that it was cancelled is for what comes after this
