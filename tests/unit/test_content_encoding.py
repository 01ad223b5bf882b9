"""A body that comes as gzip is the same submission; one that unpacks to too much, or to nothing, is refused."""

import asyncio
import gzip
import json
import random
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from api.content_encoding import Unpacker
from api.services.callers import Callers
from tests.unit.test_submission_route import GOOD, JSON, MAX_UNPACKED, TASK, both_ways

NOISE = random.Random(7).randbytes(100_000)


def padded(size: int) -> bytes:
    return GOOD + b" " * (size - len(GOOD))


def bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(1, wbits=31)
    return b"".join(packer.compress(b" " * 1_000_000) for _ in range(megabytes)) + packer.flush()


BOMB = bomb(100)  # of half a megabyte


def status(body: Any, *encodings: str) -> int:
    """What it is answered, by the route's own way and by FastAPI's."""
    headers = [*JSON, *(("Content-Encoding", each) for each in encodings)]
    ours, theirs = both_ways(body, headers, Callers(None))
    assert ours == theirs
    return int(ours[0])


def answer(body: Any, *encodings: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    headers = [*JSON, *(("Content-Encoding", each) for each in encodings)]
    ours, theirs = both_ways(body, headers, Callers(None))
    assert ours == theirs
    return ours[0], json.loads(ours[2]), dict(ours[1])


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZip", " gzip ", "identity, gzip"])
def test_a_body_may_come_as_gzip(encoding: str):
    headers = [*JSON, ("Content-Encoding", encoding)]
    (packed, asked), (plain, expected) = (
        (each[0][0], each[0][3])
        for each in (both_ways(gzip.compress(GOOD), headers, Callers(None)), both_ways(GOOD, JSON, Callers(None)))
    )
    assert packed == plain == 201
    assert asked == expected
    assert asked[0][-1].size == len(GOOD)


@pytest.mark.parametrize("encoding", ["identity", "", "Identity,"])
def test_a_body_that_is_not_encoded_may_say_so(encoding: str):
    assert status(GOOD, encoding) == 201


@pytest.mark.parametrize(
    "encodings", [["br"], ["deflate"], ["zstd"], ["gzip, gzip"], ["gzip", "gzip"], ["br, gzip"], ["gzip;q=1"]]
)
def test_what_is_not_understood_is_named_beside_what_is(encodings: list[str]):
    code, problem, headers = answer(gzip.compress(GOOD), *encodings)
    assert (code, problem["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert problem["detail"].startswith("Content-Encoding must be gzip or absent, not ")
    assert headers["accept-encoding"] == "gzip"


BROKEN = {
    "not compressed": GOOD,
    "empty": b"",
    "cut off": gzip.compress(padded(200_000))[:-9],
    "cut off in its header": gzip.compress(GOOD)[:5],
    "with a wrong checksum": gzip.compress(GOOD)[:-8] + b"\0" * 8,
    "with rubbish behind": gzip.compress(GOOD) + b"\0",
    "large, with rubbish behind": gzip.compress(padded(200_000)) + b"more",
    "two of them": gzip.compress(GOOD) * 2,
    "zlib": zlib.compress(GOOD),
    "damaged": gzip.compress(NOISE)[:5_000] + b"\xff" * 50_000,
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_a_broken_stream_is_no_json(name: str):
    code, problem, _ = answer(BROKEN[name], "gzip")
    assert (code, problem["code"]) == (400, "MALFORMED_JSON")
    assert problem["detail"].startswith("The request body is no gzip, as its Content-Encoding says: ")


def test_what_is_unpacked_is_read_as_any_body_is():
    assert answer(gzip.compress(GOOD[:-5]), "gzip")[1]["detail"].startswith("The request body is not JSON")
    assert status(gzip.compress(json.dumps(TASK | {"more": 1}).encode()), "gzip") == 422


@pytest.mark.parametrize(("size", "expected"), [(MAX_UNPACKED, 201), (MAX_UNPACKED + 1, 413), (1_048_577, 201)])
def test_it_may_unpack_to_the_limit(size: int, expected: int):
    assert status(gzip.compress(padded(size)), "gzip") == expected


def test_a_bomb_is_refused_and_says_the_limit():
    code, problem, _ = answer(BOMB, "gzip")
    assert (code, problem["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert problem["detail"] == f"The request body is larger than {MAX_UNPACKED:,} bytes when it is unpacked."


@pytest.mark.parametrize("brackets", ["[", "{"])
def test_what_would_be_many_times_as_large_in_memory_is_refused(brackets: str):
    code, problem, _ = answer(gzip.compress(brackets.encode() * 150_000, 1), "gzip")
    assert (code, problem["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert "100,000 lists and objects" in problem["detail"]


def test_packed_it_has_the_limit_of_any_body():
    assert status(gzip.compress(NOISE * 11, 0), "gzip") == 413


def test_it_may_come_in_pieces():
    packed = gzip.compress(padded(300_000))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(packed), 100):
            yield packed[start : start + 100]

    assert status(pieces, "gzip") == 201


def unpacked(body: bytes, most: int = MAX_UNPACKED) -> Any:
    async def read() -> Any:
        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        async with AsyncExitStack() as request:
            return (await Unpacker(most).reading(["gzip"], receive, request)())["body"]

    return asyncio.run(read())


@given(
    st.integers(0, 3).flatmap(lambda near: st.integers(max(0, near * 65_536 - 3), near * 65_536 + 3)),
    st.sampled_from([0, 1, 9]),
    st.booleans(),
)
def test_it_is_unpacked_byte_for_byte_wherever_its_end_falls(size: int, level: int, noise: bool):
    content = (NOISE * 2)[:size] if noise else b"7" * size
    assert unpacked(gzip.compress(content, level), 200_000) == content


def test_no_more_is_unpacked_than_the_limit():
    body = BOMB
    tracemalloc.start()
    try:
        with pytest.raises(HTTPException):
            unpacked(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * MAX_UNPACKED


def test_large_ones_are_unpacked_one_at_a_time_and_small_ones_pass_them():
    async def story() -> list[str]:
        unpacker, told = Unpacker(MAX_UNPACKED), []
        is_unpacked, first_may_end = asyncio.Event(), asyncio.Event()

        async def request(name: str, body: bytes, until: asyncio.Event | None = None) -> None:
            async def receive() -> Any:
                return {"type": "http.request", "body": body}

            async with AsyncExitStack() as open_until_answered:
                await unpacker.reading(["gzip"], receive, open_until_answered)()
                told.append(name)
                is_unpacked.set()
                if until:
                    await until.wait()

        large, small = gzip.compress(padded(1_000_000)), gzip.compress(GOOD)
        first = asyncio.create_task(request("large", large, first_may_end))
        await asyncio.wait_for(is_unpacked.wait(), 10)
        second = asyncio.create_task(request("second large", large))
        await asyncio.sleep(0.05)
        await request("small", small)
        first_may_end.set()
        await asyncio.gather(first, second)
        return told

    assert asyncio.run(story()) == ["large", "small", "second large"]


def test_a_client_that_goes_away_amid_its_body_submits_nothing():
    async def read() -> Any:
        came = iter([{"type": "http.request", "body": b"\x1f", "more_body": True}, {"type": "http.disconnect"}])

        async def receive() -> Any:
            return next(came)

        async with AsyncExitStack() as request:
            return await Unpacker(MAX_UNPACKED).reading(["gzip"], receive, request)()

    assert asyncio.run(read()) == {"type": "http.disconnect"}
