"""Why a Redis that answers takes no write: each passes by itself or by an operator, and nothing of a call was done."""

from enum import StrEnum
from typing import Final

from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
)


class Unwritable(StrEnum):
    """The reason, as a code."""

    MEMORY_FULL = "memory_full"
    READ_ONLY = "redis_read_only"
    DISK = "redis_disk"
    NO_REPLICAS = "redis_replicas_missing"
    LOADING = "redis_loading"
    CLUSTER = "redis_cluster_down"
    BUSY = "redis_busy"

    @property
    def words(self) -> str:
        """The reason as the middle of a sentence."""
        return _WORDS[self]


_WORDS: Final = {
    Unwritable.MEMORY_FULL: "Redis's memory is full up to the reserve for what was accepted",
    Unwritable.READ_ONLY: "this Redis is a read-only replica",
    Unwritable.DISK: "Redis cannot write to its disk (MISCONF)",
    Unwritable.NO_REPLICAS: "Redis has too few replicas to take writes (NOREPLICAS)",
    Unwritable.LOADING: "Redis is still loading its data",
    Unwritable.CLUSTER: "Redis's cluster is down (CLUSTERDOWN)",
    Unwritable.BUSY: "somebody's script keeps Redis busy (BUSY)",
}
_OF_CLASS: Final[dict[type[RedisError], Unwritable]] = {
    OutOfMemoryError: Unwritable.MEMORY_FULL,
    ReadOnlyError: Unwritable.READ_ONLY,
    MasterDownError: Unwritable.READ_ONLY,
    BusyLoadingError: Unwritable.LOADING,
    ClusterDownError: Unwritable.CLUSTER,
}
_OF_CODE: Final = {
    "MISCONF": Unwritable.DISK,
    "NOREPLICAS": Unwritable.NO_REPLICAS,
    "UNBLOCKED": Unwritable.READ_ONLY,  # whoever waits for a message when a master becomes a replica
    "BUSY": Unwritable.BUSY,
}


def reason(error: BaseException) -> Unwritable | None:
    """None for any other error. A client that knows no class for an error has its code as the first word."""
    if isinstance(known := getattr(error, "reason", None), Unwritable):
        return known
    for kind, found in _OF_CLASS.items():
        if isinstance(error, kind):
            return found
    return _OF_CODE.get(str(error).partition(" ")[0]) if isinstance(error, RedisError) else None
