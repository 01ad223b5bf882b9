"""A monitor's rounds go on, whatever happens in one of them, and end when it is told to stop."""

import asyncio
import logging

from monitor import rounds


async def _outlives_its_first_cancellation() -> None:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(60)


async def _ends_at_once() -> None:
    await asyncio.sleep(60)


async def _has_failed() -> None:
    raise ValueError("long ago")


def test_a_round_that_outlives_its_cancellation_is_cancelled_again():
    async def story() -> list[bool]:
        works = (_outlives_its_first_cancellation, _ends_at_once, _has_failed)
        tasks = [asyncio.create_task(work()) for work in works]
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await rounds.end(tasks, again_after=0.01)
        return [task.done() for task in tasks] + [tasks[2].exception() is not None]

    assert all(asyncio.run(story()))


def _begun_again(work, caplog) -> bool:
    """Whether it is begun for the third time."""
    begun = []

    async def story() -> bool:
        third = asyncio.Event()

        async def counted() -> None:
            begun.append(1)
            if len(begun) == 3:
                third.set()
            await work()

        going = asyncio.create_task(rounds.for_ever(counted, 0.001, longest=0.01))
        waiting = asyncio.create_task(third.wait())
        await asyncio.wait({going, waiting}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        await rounds.end([going])
        return third.is_set()

    with caplog.at_level(logging.ERROR):
        return asyncio.run(story())


def test_a_round_that_fails_for_a_reason_nobody_thought_of_is_told_and_goes_on(caplog):
    assert _begun_again(_has_failed, caplog)
    assert "A round of the monitor failed" in caplog.text
    assert "long ago" in caplog.text


def test_a_round_that_hangs_is_begun_anew(caplog):
    assert _begun_again(_ends_at_once, caplog)
