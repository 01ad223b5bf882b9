"""The Celery message (protocol 2) for a task, as Celery's own `send_task` would push it onto a Redis list."""

import os
from typing import Any, Final, NamedTuple

import orjson

from throughline.ledger import body, message
from throughline.ledger.message import MESSAGE_PRIORITY, Queue

# In the place of those that Celery would write: they show a client's positions in every monitoring tool.
ARGUMENTS: Final = "(...)"
NAMED_ARGUMENTS: Final = "{}"
_ORIGIN: Final = f"api{os.getpid()}@{os.uname().nodename}"


class Origin(NamedTuple):
    """Who submits a task: a client's request, or a task that runs."""

    correlation_id: str
    traceparent: str  # the span that it is published in; empty without one
    caller: str = ""  # whose API key it was; a task's children have their parent's
    parent_id: str = ""  # the task that submits it
    root_id: str = ""  # the first of all its parents
    tracestate: str = ""
    resubmitted_from: str = ""  # the task whose data it is submitted again with
    version: str = ""  # of the program that accepts it


def celery_message(
    task_id: str,
    task_type: str,
    data: Any,
    queue: Queue,
    origin: Origin,
    *,
    published_at: float,
) -> bytes:
    """The message as kombu's Redis transport reads it: JSON with headers, properties and a base64 body.

    The body comes last: Redis and the scripts know a message by its first bytes, however large it is.
    """
    encoded, compression = body.encode(data)
    headers: dict[str, Any] = {
        "lang": "py",
        "task": task_type,
        "id": task_id,
        "shadow": None,
        "eta": None,
        "expires": None,
        "group": None,
        "group_index": None,
        "retries": 0,
        "timelimit": [None, None],
        "root_id": origin.root_id or origin.parent_id or task_id,
        "parent_id": origin.parent_id or None,
        "argsrepr": ARGUMENTS,
        "kwargsrepr": NAMED_ARGUMENTS,
        "origin": _ORIGIN,
        "ignore_result": None,  # the task decides
        "replaced_task_nesting": 0,
        "stamped_headers": None,
        "stamps": {},
        message.CORRELATION_ID: origin.correlation_id,
        message.TRACEPARENT: origin.traceparent,
        message.PUBLISHED_AT: published_at,
        message.ENVELOPE: message.ENVELOPE_VERSION,
    }
    if origin.tracestate:
        headers[message.TRACESTATE] = origin.tracestate
    if compression:
        headers["compression"] = compression
    properties = {
        "correlation_id": task_id,
        "reply_to": "",
        "delivery_mode": 2,
        "delivery_info": {"exchange": "", "routing_key": queue.value},
        "priority": MESSAGE_PRIORITY[queue],
        "body_encoding": "base64",
        "delivery_tag": task_id,  # unique as it is; one made here would cost 20 µs of the system's random numbers
    }
    return orjson.dumps(
        {
            "headers": headers,
            "properties": properties,
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "body": encoded,
        }
    )
