"""A task that somebody wants: what it is made of, whose it will be, and as what the front door gets it."""

import asyncio
import hashlib
from typing import NamedTuple

import orjson

from api.submission import LARGE_BYTES, Sent, TaskSubmission
from throughline.ledger import keys
from throughline.ledger.envelope import Origin
from throughline.ledger.submission import Submission
from throughline.settings import ApiSettings
from throughline.telemetry import correlation, trace_context


class NewTask(NamedTuple):
    """`owner` is whose task it will be, `sender` who asks for it: the idempotency key is the sender's."""

    task: TaskSubmission
    sent: Sent
    owner: str
    sender: str
    idempotency_key: str | None = None
    resubmitted_from: str = ""
    why: str = ""  # the words of whoever submits it again

    @property
    def is_large(self) -> bool:
        """Whether making its message would hold up the requests beside it: then it belongs in a thread."""
        return self.sent.size > LARGE_BYTES

    async def large_submission(self, task_id: str) -> Submission:
        return await asyncio.to_thread(self.submission, task_id)

    def submission(self, task_id: str) -> Submission:
        return Submission.of(
            task_id,
            self.task.task_type,
            self.sent.data,
            self.task.target_queue,
            Origin(
                correlation.current(),
                trace_context.traceparent(),
                self.owner,
                tracestate=trace_context.tracestate(),
                resubmitted_from=self.resubmitted_from,
                version=ApiSettings.load().service_version,
            ),
            priority=self.task.priority,
            idempotency=self.idempotency(),
        )

    def idempotency(self) -> tuple[str, str]:
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
