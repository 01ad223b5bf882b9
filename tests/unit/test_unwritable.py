"""What Redis says when it takes no write now, in each of its words."""

import pytest

# The parsers' common part: a code that has a class of its own is cut off the message.
from redis._parsers.base import BaseParser
from redis.exceptions import RedisError

from throughline.ledger import unwritable
from throughline.ledger.unwritable import Unwritable

SAID = [
    ("READONLY You can't write against a read only replica.", Unwritable.READ_ONLY),
    ("UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)", "redis_read_only"),
    ("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", Unwritable.READ_ONLY),
    ("NOREPLICAS Not enough good replicas to write.", Unwritable.NO_REPLICAS),
    ("LOADING Redis is loading the dataset in memory", Unwritable.LOADING),
    ("CLUSTERDOWN The cluster is down", Unwritable.CLUSTER),
    ("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", Unwritable.BUSY),
    ("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", "redis_disk"),
    ("OOM command not allowed when used memory > 'maxmemory'.", Unwritable.MEMORY_FULL),
    ("BUSYGROUP Consumer Group name already exists", None),
    ("WRONGTYPE Operation against a key holding the wrong kind of value", None),
]


@pytest.mark.parametrize(("words", "reason"), SAID)
def test_whatever_passes_by_itself_is_told_from_a_mistake(words, reason):
    error = BaseParser.parse_error(words)
    assert isinstance(error, RedisError)
    assert unwritable.reason(error) == reason
