"""The states of a task, in the words that the API, log lines, spans and Redis all use (Celery's own)."""

from enum import StrEnum


class Status(StrEnum):
    """A task goes from PENDING through STARTED to one of the last three; RETRY is a wait between two attempts."""

    PENDING = "PENDING"
    STARTED = "STARTED"
    RETRY = "RETRY"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    REVOKED = "REVOKED"

    @property
    def is_final(self) -> bool:
        return self in {Status.SUCCESS, Status.FAILURE, Status.REVOKED}
