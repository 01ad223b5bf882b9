"""A time limit on an answer: kept when none comes, and not taken for over because the event loop was busy."""

import asyncio
import socket
import time

import pytest
import uvloop

from api.deadline import answered_within


def test_without_an_answer_it_ends_when_the_time_is_over():
    async def story():
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with answered_within(0.05):
                await asyncio.Event().wait()
        return time.monotonic() - began

    assert 0.05 <= asyncio.run(story()) < 1


def test_an_answer_that_came_while_the_loop_was_busy_counts():
    async def story():
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)

        async def busy():
            theirs.send(b"answer\n")
            time.sleep(0.3)  # noqa: ASYNC251 - as many requests at once keep the loop busy

        async with answered_within(0.05):
            keeps_busy = asyncio.create_task(busy())
            answer = await reader.readline()
        await keeps_busy
        writer.close()
        theirs.close()
        return answer

    assert uvloop.run(story()) == b"answer\n"  # the loop of the replicas: its timers come before its sockets


def test_an_error_of_the_block_is_passed_on():
    async def story():
        async with answered_within(1):
            raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        asyncio.run(story())
