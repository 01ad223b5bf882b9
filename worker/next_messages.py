"""A process that becomes free gets its next task in the round trip that acknowledges its last one.

kombu acknowledges a message (a transaction), waits for the next one (BRPOP) and then notes that one as delivered
(another transaction): three round trips while the process stands idle, and between the last two the message is in no
place. Here one script does all three: see take.lua.

Nothing is held ahead: as many messages are taken as processes are free. When the queues have fewer, the next one is
waited for as ever, by BRPOP.
"""

import json
import time
from collections.abc import Collection
from typing import Any, Final

from celery.worker import state
from kombu.transport.virtual import QoS
from kombu.utils.json import loads

from throughline.ledger import scripts
from throughline.ledger.scripts import Ledger
from worker.patches import unreadable_messages

_NEXT_ROUND_SECONDS: Final = 0.001


class NextMessages:
    """Of one connection's channel, from the moment on that its worker takes messages."""

    def __init__(self, consumer: Any, unacknowledged: set[str]) -> None:
        """`unacknowledged`: what could not be acknowledged, on this connection's forerunners too."""
        self._consumer = consumer
        self._channel = consumer.task_consumer.channel
        self._qos = self._channel.qos
        self._ledger = Ledger(self._channel._create_client())
        self._only_acknowledge, self._note = self._qos.ack, self._qos.append
        self._noted: set[str] = set()  # taken and noted by the script, on their way to the handler
        self._unacknowledged = unacknowledged
        # On the instance, as Celery itself replaces its `can_consume` for worker_disable_prefetch.
        self._qos.ack, self._qos.append = self._ack, self._append
        if unacknowledged:
            self._take(0, unacknowledged)
            unacknowledged.clear()

    def _ack(self, tag: str) -> None:
        """Celery calls it for a message whose task has ended: its process is free."""
        try:
            self._acknowledge(tag, self._room())
        except self._channel.connection_errors as error:
            # Celery logs it and goes on, and counts a process less from now on: a worker that counts none does nothing
            # any more, and with nothing under way it does not notice that its connection is lost.
            self._unacknowledged.add(tag)
            self._consumer.hub.call_later(0, self._connect_again, error)
            raise

    def _acknowledge(self, tag: str, room: int) -> None:
        if room == 0:
            self._only_acknowledge(tag)
            return
        taken = self._take(room, [tag])
        QoS.ack(self._qos, tag)
        held = len(state.reserved_requests)
        for queue, message in taken:
            self._deliver(_read(message), queue)
        if len(state.reserved_requests) < held + len(taken):
            # What has expired or is revoked is given to no process. Celery acknowledges it in its loop's next round,
            # which begins when something happens, or after a second: a row of such tasks held up those behind it.
            self._consumer.hub.call_later(_NEXT_ROUND_SECONDS, _nothing)

    def _deliver(self, message: dict[str, Any], queue: str) -> None:
        tag = message["properties"]["delivery_tag"]
        self._noted.add(tag)
        try:
            self._channel.connection._deliver(message, queue)
        except unreadable_messages.ERRORS as error:
            unreadable_messages.tell(error)
            self._only_acknowledge(tag)

    def _take(self, most: int, acknowledged: Collection[str]) -> list[tuple[str, str]]:
        queues = self._channel.active_queues
        return self._ledger(scripts.take(most, queues=queues, acknowledged=list(acknowledged), taken_at=time.time()))

    def _connect_again(self, error: Exception) -> None:
        """What a lost connection is to Celery: it gives back what it holds, and waits until Redis is there."""
        if not self._channel.closed:
            raise error

    def _append(self, message: Any, tag: str) -> None:
        """kombu calls it for each message that was taken."""
        if tag in self._noted:
            self._noted.discard(tag)
            QoS.append(self._qos, message, tag)
        else:
            self._note(message, tag)

    def _room(self) -> int:
        """How many processes are free, once that message is acknowledged.

        Zero while a BRPOP is under way: the queues are empty then, or it brings one. Zero in a worker that stops.
        """
        if self._channel.closed or self._channel._in_poll or not self._channel.active_queues:
            return 0
        free = _slots(self._consumer) - len(state.reserved_requests)
        allowed = self._qos.can_consume_max_estimate()
        return max(0, free if allowed is None else min(free, allowed + 1))


def _read(message: str) -> Any:
    """As kombu, which looks at each mapping for a type of its own: 12 µs, and hardly any message has one."""
    return loads(message) if '"__type__"' in message else json.loads(message)


def _nothing() -> None:
    pass


def _slots(consumer: Any) -> int:
    """As Celery counts them for worker_disable_prefetch."""
    return int(getattr(consumer.controller, "max_concurrency", None) or consumer.pool.num_processes)
