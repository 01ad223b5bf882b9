"""What is typical of a journey's task types: a look at the profile that costs little beside the search itself."""

import os
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from throughline.journey.comparison import Comparison, compare, types_of, window_around
from throughline.journey.journey import Request
from throughline.local.run import CannotRun
from throughline.profile import Profile, Window, local_files

_MOST_BYTES: Final = 1024 * 1024  # of each span file: some thousands of steps


class Typical:
    """Compares requests with those like them; nothing is read twice."""

    def __init__(self, var_dir: Path) -> None:
        self._var_dir = var_dir
        self._now = datetime.now(UTC)
        self._of_type = lru_cache(maxsize=None)(self._read)

    def compare(self, request: Request) -> Comparison | None:
        window = window_around(request, self._now)
        try:
            found = {name: self._of_type(window, name) for name in types_of(request)}
        except CannotRun:
            return None  # the journey is worth showing without it
        return compare(request, found)

    def _read(self, window: Window, task_type: str) -> Profile:
        url = os.environ.get("ELASTICSEARCH_URL", "")
        if not url:
            return local_files.profile(self._var_dir, window, task_type, most_bytes=_MOST_BYTES)
        # Imported here, so that reading files does not wait for an HTTP client to load.
        from throughline.cli.elasticsearch import asked  # noqa: PLC0415
        from throughline.profile import elasticsearch  # noqa: PLC0415

        return asked(url, lambda client: elasticsearch.profile(client, window, task_type))
