"""A task that somebody wants: what it is made of, whose it will be, and as what the front door gets it."""

import asyncio
import hashlib
from dataclasses import dataclass

import orjson

from api.submission import TaskSubmission
from throughline.ledger import keys
from throughline.ledger.envelope import Origin
from throughline.ledger.submission import Submission
from throughline.telemetry import correlation, trace_context


@dataclass(frozen=True)
class NewTask:
    """`owner` is whose task it will be, `sender` who asks for it: the idempotency key is the sender's."""

    task: TaskSubmission
    owner: str
    sender: str
    idempotency_key: str | None = None
    resubmitted_from: str = ""

    async def submission(self, task_id: str) -> Submission:
        """A large one is made in a thread."""
        return await asyncio.to_thread(self._submission, task_id) if self.task.is_large else self._submission(task_id)

    def _submission(self, task_id: str) -> Submission:
        return Submission.of(
            task_id,
            self.task.task_type,
            self.task.data_as_sent,
            self.task.target_queue,
            Origin(
                correlation.current(),
                trace_context.traceparent(),
                self.owner,
                tracestate=trace_context.tracestate(),
                resubmitted_from=self.resubmitted_from,
            ),
            priority=self.task.priority,
            idempotency=self._idempotency(),
        )

    def _idempotency(self) -> tuple[str, str]:
        """The key in Redis, and the hash of what it is bound to; both empty without a key."""
        if self.idempotency_key is None:
            return "", ""
        payload = (
            {"resubmit": self.resubmitted_from}
            if self.resubmitted_from
            else self.task.model_dump(mode="json", exclude_unset=True)
        )
        key = keys.idempotency(self.sender, _sha256(self.idempotency_key.encode()))
        return key, _sha256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
