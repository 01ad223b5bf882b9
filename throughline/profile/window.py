"""The stretch of time that a profile is of."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Window:
    """Steps that began from `since` on and before `until` belong to it."""

    since: datetime
    until: datetime

    @property
    def since_ns(self) -> int:
        return _ns(self.since)

    @property
    def until_ns(self) -> int:
        return _ns(self.until)


def _ns(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
