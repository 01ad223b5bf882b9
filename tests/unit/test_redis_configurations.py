"""The Redis of a local run and that of the stack promise the same."""

import pytest

from tests.system.nine import ROOT


@pytest.mark.parametrize("path", ["throughline/local/redis.conf.template", "deploy/redis.conf"])
def test_what_is_accepted_is_on_the_disk_before_the_answer_and_is_never_evicted(path: str):
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    assert {"appendonly yes", "appendfsync always", "maxmemory-policy noeviction"} <= set(lines)
