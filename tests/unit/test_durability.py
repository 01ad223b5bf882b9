"""What Redis does not promise of an accepted task, from what it tells of itself."""

import pytest

from throughline.ledger.durability import risks

SAFE = {"aof_enabled": 1, "maxmemory_policy": "noeviction"}
ALWAYS = {"appendfsync": "always"}


def test_a_file_that_is_forced_to_the_disk_with_each_answer_and_no_eviction_are_no_risk():
    assert risks(SAFE, ALWAYS) == ()


@pytest.mark.parametrize(
    ("known", "configured", "words"),
    [
        (SAFE | {"aof_enabled": 0}, ALWAYS, "appendonly is no"),
        (SAFE, {"appendfsync": "everysec"}, "appendfsync is everysec: the tasks of the last second"),
        (SAFE, {"appendfsync": "no"}, "appendfsync is no"),
        (SAFE, {}, "(appendfsync) is not known, since it refuses CONFIG"),
        (SAFE | {"maxmemory_policy": "volatile-ttl"}, ALWAYS, "maxmemory-policy is volatile-ttl"),
    ],
)
def test_each_weakness_is_one_sentence(known, configured, words):
    (told,) = risks(known, configured)
    assert words in told


def test_a_redis_that_tells_nothing_is_not_taken_for_a_safe_one():
    assert [" is not known" in told for told in risks({}, {})] == [True, True]
