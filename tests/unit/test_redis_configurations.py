"""The Redis of a local run and that of the stack promise the same."""

import re

import pytest

from tests.system.nine import ROOT
from throughline.settings.local import LocalSettings

LOCAL = (ROOT / "throughline/local/redis.conf.template").read_text(encoding="utf-8")
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ["throughline/local/redis.conf.template", "deploy/redis.conf"])
def test_what_is_accepted_is_on_the_disk_before_the_answer_and_is_never_evicted(path: str):
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    assert {"appendonly yes", "appendfsync always", "maxmemory-policy noeviction"} <= set(lines)


def test_both_have_the_same_limit_from_one_setting():
    assert "maxmemory ${REDIS_MAXMEMORY_MB}mb" in LOCAL.splitlines()
    assert 'echo "maxmemory ${REDIS_MAXMEMORY_MB}mb"' in (ROOT / "deploy/redis.sh").read_text(encoding="utf-8")
    default = re.search(r"\$\{REDIS_MAXMEMORY_MB:-(\d+)\}", COMPOSE)
    assert default
    assert int(default[1]) == LocalSettings.model_fields["redis_maxmemory_mb"].default
