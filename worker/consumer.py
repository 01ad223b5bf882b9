"""The worker's consumer of messages: one that it cannot run ends as a failure on record."""

import time
from collections.abc import Callable
from typing import Any, Final

from celery.exceptions import InvalidTaskError, NotRegistered
from celery.utils.log import get_logger
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown

from throughline.ledger import keys, unwritable
from throughline.ledger.states import Status
from throughline.telemetry.logging import event
from worker import attempt_spans, liveness
from worker.delivery import Delivery
from worker.next_messages import NextMessages

_LOOK_AGAIN_SECONDS: Final = 1.0

_logger = get_logger(__name__)


class RecordingConsumer(Consumer):
    """Celery's own refuses such a message with its whole body in the log, and records an unknown name alone."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._unacknowledged: set[str] = set()
        super().__init__(*arguments, **options)

    def ensure_connected(self, conn: Any) -> Any:
        """A Redis that answers and takes no write gives no messages either: the worker waits as if it were away."""
        liveness.main_loop.waits()
        connected = super().ensure_connected(conn)
        waits_for = ""
        while reason := self.app.backend.refuses_writes():
            maybe_shutdown()
            if reason.words != waits_for:
                waits_for = reason.words
                _logger.warning("Waits until Redis takes writes: %s", waits_for)
            time.sleep(_LOOK_AGAIN_SECONDS)
        if waits_for:
            _logger.warning("Redis takes writes again")
        return connected

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """One that Redis refused a write would otherwise connect again at once, and be refused again."""
        liveness.main_loop.waits()
        super().on_connection_error_after_connected(exc)
        if unwritable.reason(exc):
            time.sleep(_LOOK_AGAIN_SECONDS)

    def create_task_handler(self, **options: Any) -> Callable[[Any], None]:
        """The handler of each message; a message that makes it fail must not end the worker."""
        handle = super().create_task_handler(**options)
        if self.hub is not None:
            liveness.main_loop.begins(self.hub)
        if self.hub is not None and hasattr(self.task_consumer.channel, "_in_poll"):  # a pool of processes, and Redis
            NextMessages(self, self._unacknowledged)

        def on_task_received(message: Any) -> None:
            try:
                _require_id(message.headers)
                handle(message)
            except (TypeError, ValueError, LookupError, AttributeError) as error:
                self._refuse(message, InvalidTaskError(f"{type(error).__name__}: {error}"))

        return on_task_received

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        self._refuse(message, NotRegistered(str(message.headers.get("task"))))

    def on_unknown_message(self, body: Any, message: Any) -> None:
        self._refuse(message, InvalidTaskError("no Celery task message"))

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
        self._refuse(message, exc)

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        self._refuse(message, exc)

    def _refuse(self, message: Any, error: Exception) -> None:
        headers = message.headers if isinstance(message.headers, dict) else {}
        queue = (message.delivery_info or {}).get("routing_key")
        delivery = Delivery.of(headers, queue)
        with delivery.bound():
            fields = {"task_type": delivery.task_type, "queue": delivery.queue}
            told = {"error.type": type(error).__name__, "error.message": str(error)}
            known = keys.is_task_id(delivery.task_id)
            if not known and delivery.task_id:
                self.app.backend.refused_unrecorded(delivery.task_id, error)  # its sender may wait for it
            if known and not self.app.backend.refused(delivery, error):
                event("task.skipped", "A message of it came that cannot be run: it goes on, or ended before", fields)
            else:
                attempt_spans.write_refused(delivery, error)
                text = f"A message cannot be run: {type(error).__name__}"
                event("task.failed", text, fields | told | {"status": Status.FAILURE})
        message.reject_log_error(_logger, self.connection_errors)


def _require_id(headers: Any) -> None:
    """Raises `NoTaskId` where a client's own ID cannot be a task's. Without any, Celery finds the message wrong."""
    if isinstance(headers, dict) and headers.get("id") and not keys.is_task_id(str(headers["id"])):
        raise keys.NoTaskId
