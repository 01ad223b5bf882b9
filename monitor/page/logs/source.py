"""Where the page of log lines reads: a local run's files or Elasticsearch. All of it blocks."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from heapq import nlargest
from pathlib import Path
from typing import Any, Final, Protocol

from monitor.page.elasticsearch import client
from throughline.journey import find
from throughline.journey.elasticsearch_client import Client
from throughline.journey.local_files import lines_folder
from throughline.settings import MonitorSettings
from throughline.tail import elasticsearch
from throughline.tail.followed_files import FollowedFiles, fields_of
from throughline.tail.wanted import Wanted

Line = Mapping[str, Any]
_RECENT: Final = timedelta(minutes=10)
_KEPT: Final = timedelta(days=7)  # the lines of one journey are few
_LATE: Final = timedelta(seconds=30)  # a line may be found only so long after it was written
_MOST_BYTES: Final = 4 * 1024 * 1024  # of each file


class Follower(Protocol):
    """What is new since the last call."""

    def new(self) -> Iterable[Line]: ...

    def close(self) -> None: ...


class LogSource(Protocol):
    """Raises `Unanswered` when it cannot be read."""

    where: str

    def follow(self) -> Follower: ...

    def recent(self, wanted: Wanted, most: int) -> Sequence[Line]: ...


def log_source(settings: MonitorSettings) -> LogSource:
    return _Elasticsearch(settings) if settings.elasticsearch_url else _Files(settings.var_dir)


class _FilesFollower:
    def __init__(self, folder: Path) -> None:
        self._files = FollowedFiles(folder)

    def new(self) -> Iterable[Line]:
        return fields_of(self._files.poll())

    def close(self) -> None:
        self._files.close()


class _Files:
    def __init__(self, var_dir: Path) -> None:
        self.where = str(var_dir)
        self._var_dir = var_dir

    def follow(self) -> Follower:
        return _FilesFollower(lines_folder(self._var_dir))

    def recent(self, wanted: Wanted, most: int) -> Sequence[Line]:
        if wanted.correlation_id:
            found = filter(wanted.lets_through, find(self._var_dir, wanted.correlation_id).log_lines)
            return sorted(nlargest(most, found, key=_time), key=_time)
        since = datetime.now(UTC) - _RECENT
        with closing(FollowedFiles(lines_folder(self._var_dir), since, _MOST_BYTES)) as files:
            lines = list(filter(wanted.lets_through, fields_of(files.so_far())))
        return lines[-most:]


class _ElasticsearchFollower:
    def __init__(self, client: Client) -> None:
        self._lines = elasticsearch.FollowedElasticsearch(client, Wanted(), datetime.now(UTC) - _LATE)

    def new(self) -> Iterable[Line]:
        return self._lines.poll()

    def close(self) -> None:
        """Nothing is kept open."""


class _Elasticsearch:
    def __init__(self, settings: MonitorSettings) -> None:
        self.where = settings.elasticsearch_url
        self._client = client(settings)

    def follow(self) -> Follower:
        return _ElasticsearchFollower(self._client)

    def recent(self, wanted: Wanted, most: int) -> Sequence[Line]:
        since = datetime.now(UTC) - (_KEPT if wanted.is_one_journey else _RECENT)
        return list(elasticsearch.recent(self._client, wanted, since, most))


def _time(line: Line) -> str:
    return str(line.get("@timestamp", ""))
