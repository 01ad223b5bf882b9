"""Where the local run's own Redis listens: as REDIS_URL says, or at an address with a password made here."""

from pathlib import Path

import pytest

from throughline.local import redis_address
from throughline.local.run import CannotRun


def test_the_password_is_made_once_and_readable_by_its_owner_only(tmp_path: Path):
    first = redis_address.own(tmp_path, 8085)

    assert redis_address.own(tmp_path, 8085) == first
    assert len(redis_address.password(first)) >= 32
    assert (tmp_path / "redis" / "password").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:6400/0", "redis://:p%40ss@localhost/1", "redis://default:x@127.0.0.1"]
)
def test_a_loopback_address_is_taken_as_it_is(url: str):
    assert redis_address.checked(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "redis://:secret@10.0.0.7:6379/0",
        "rediss://:secret@127.0.0.1:6379/0",
        "unix:///run/redis.sock",
        "redis://someone:secret@127.0.0.1:6379/0",
        "redis://:secret@127.0.0.1:many/0",
    ],
)
def test_an_address_that_a_local_redis_cannot_have_is_refused_in_one_line_without_its_password(url: str):
    with pytest.raises(CannotRun, match=r"^REDIS_URL") as refused:
        redis_address.checked(url)

    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_password_is_read_unescaped():
    assert redis_address.password("redis://:p%40ss%22@127.0.0.1:6379/0") == 'p@ss"'
