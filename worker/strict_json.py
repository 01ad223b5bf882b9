"""The last gate before Redis: what is stored as a result, every reader of JSON takes, whoever returned it.

What a task of the registry returned was looked at when it returned (throughline/tasks/result.py). A task that was
declared past the registry, or one of Celery's own, returns what it likes, and kombu writes NaN as Python does.
"""

import json
from typing import Any

from celery.backends.redis import RedisBackend
from kombu.exceptions import EncodeError

from throughline import errors
from throughline.json_value import TOO_DEEP, not_finite, wrong_value
from throughline.ledger.celery_result import celery_result, is_strict, is_too_deep, may_be_too_deep


class InvalidResult(errors.InvalidResult, EncodeError):
    """Both: on an `EncodeError` alone does Celery store a failure where it was to store a result."""


class StrictJsonBackend(RedisBackend):
    """Celery's own, which writes no NaN, no number beyond all bounds, no half of a character."""

    def encode(self, data: Any) -> str:
        """As Celery writes it; raises `InvalidResult`, or `EncodeError` for what kombu cannot write.

        `data` is a state, or an argument of an error: Celery replaces one that this does not take.
        """
        text = str(super().encode(data))
        if is_strict(text) and not may_be_too_deep(text):
            return text
        written = json.loads(text)
        if is_strict(text) and not is_too_deep(written):
            return text
        if not isinstance(written, dict) or "status" not in written:
            if wrong := not_finite(written, "it"):
                raise InvalidResult(wrong)
            return text
        if written["status"] in self.EXCEPTION_STATES:  # half of a character in the message of an error
            return str(super().encode(celery_result(text).fields))
        wrong = wrong_value(written.get("result"), "result") or f"it is {TOO_DEEP}"
        raise InvalidResult(f"A task's result must be JSON: {wrong}.")
