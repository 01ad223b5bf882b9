"""The order in which a worker looks into its queues: high, medium, low, whatever was cancelled and added since."""

from collections.abc import Iterable
from typing import Final

from kombu.utils.scheduling import priority_cycle

from throughline.ledger.message import Queue

_PLACE: Final = {queue.value: place for place, queue in enumerate(Queue)}


class StrictOrder(priority_cycle):
    """kombu's own `priority` keeps the order of consuming: a queue that is added again would come last."""

    def update(self, it: Iterable[str]) -> None:
        self.items[:] = sorted(it, key=lambda queue: _PLACE.get(queue, len(_PLACE)))
