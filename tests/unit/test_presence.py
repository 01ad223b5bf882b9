"""A replica says that it runs, and which NGINX its requests come through: a new one at once, a wrong name never."""

import asyncio
from collections.abc import Sequence

from api.presence import Presence
from throughline.ledger.deployments import Instance

OWN = Instance("api", "fastapi-1", "1.5", clock_offset_ms=0.0)


def told_of(*headers: bytes) -> list[list[Instance]]:
    """What is told by a replica that gets these requests after its first beat, long before its second is due."""
    told: list[list[Instance]] = []

    async def tell(instances: Sequence[Instance]) -> int:
        told.append(list(instances))
        return 1

    async def look() -> None: ...

    async def serve() -> None:
        presence = Presence("fastapi-1", "1.5")
        beating = asyncio.create_task(presence.beat(tell, look))
        for header in (b"", *headers):
            if header:
                presence.came_through(header)
            for _ in range(10):  # turns of the event loop, in which whatever is ready is done
                await asyncio.sleep(0)
        beating.cancel()

    asyncio.run(serve())
    return told


def test_a_new_nginx_is_told_at_once_and_one_that_is_known_with_the_next_beat():
    assert told_of(b"nginx 1.4", b"nginx 1.4", b"nginx 1.5") == [
        [OWN],
        [OWN, Instance("nginx", "nginx", "1.4")],
        [OWN, *sorted([Instance("nginx", "nginx", "1.4"), Instance("nginx", "nginx", "1.5")], key=str)],
    ]


def test_what_is_no_name_and_no_version_is_not_told():
    assert all(instances == [OWN] for instances in told_of(b"nginx", b"a b c", b"nginx 1;2", "nginx é".encode()))
