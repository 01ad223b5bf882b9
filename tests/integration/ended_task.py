"""Ended tasks for the tests of the history."""

import orjson

from throughline.ledger.stored_task import StoredTask

NOON = 1_700_000_000.0


def ended(task_id: str, at: float = NOON, *, took: float = 1.0, status: str = "SUCCESS", **fields: str) -> StoredTask:
    """A task submitted at this moment, which ran for `took` seconds on worker-1 at once."""
    error = fields.pop("error", "ValueError")
    message = fields.pop("message", "position 3 of 7 is wrong")
    meta = {"status": status, "result": {"exc_type": error, "exc_message": [message]} if status == "FAILURE" else 1}
    attempt = {"worker": fields.pop("worker", "worker-1"), "process": 7, "started_at": at, "finished_at": at + took}
    attempt |= {"outcome": status} | ({"ended_by": fields.pop("ended_by", "failed")} if status == "FAILURE" else {})
    record = {
        "status": status,
        "version": "3",
        "task_type": "word_count",
        "queue": "medium",
        "priority": "medium",
        "correlation_id": f"of-{task_id}",
        "submitted_at": f"{at:.6f}",
        "started_at": f"{at:.6f}",
        "finished_at": f"{at + took:.6f}",
    }
    return StoredTask(task_id, record | fields, (orjson.dumps(attempt).decode(),), (), orjson.dumps(meta).decode())
