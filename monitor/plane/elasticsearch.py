"""What the programs that watch the plane need of Elasticsearch."""

from typing import Any, Protocol


class Elasticsearch(Protocol):
    """What a `Client` can do."""

    def ask(self, method: str, path: str, body: object = None) -> Any: ...
