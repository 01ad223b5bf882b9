"""A monitor that is told to stop ends its rounds, whatever they do with that."""

import asyncio

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
