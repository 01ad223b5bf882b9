"""Where journeys and access lines are read: a local run's files, or the stack's Elasticsearch. All of it blocks."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

import orjson

from monitor.page.elasticsearch import client
from monitor.page.traffic import API_PATH, MOST_LINES, Traffic, traffic
from throughline.journey import Found, elasticsearch, find
from throughline.journey.local_files import lines_folder
from throughline.profile import Profile, Window
from throughline.profile import elasticsearch as profile_elasticsearch
from throughline.profile import local_files as profile_files
from throughline.settings import MonitorSettings

_TAIL_BYTES: Final = 1024 * 1024
_ACCESS_LINES: Final = "logs-throughline-*"


class TelemetrySource(Protocol):
    """What the page reads; `Unanswered` when it cannot."""

    where: str

    def find(self, correlation_id: str) -> Found: ...

    def traffic(self) -> Traffic: ...

    def profile(self, window: Window, task_type: str, *, most_bytes: int) -> Profile: ...


def telemetry_source(settings: MonitorSettings) -> TelemetrySource:
    """Elasticsearch when it is set, else the files."""
    return _Elasticsearch(settings) if settings.elasticsearch_url else _Files(settings.var_dir)


class _Files:
    def __init__(self, var_dir: Path) -> None:
        self.where = str(var_dir)
        self._var_dir = var_dir

    def find(self, correlation_id: str) -> Found:
        return find(self._var_dir, correlation_id)

    def traffic(self) -> Traffic:
        return traffic(_access_lines(lines_folder(self._var_dir)), datetime.now(UTC))

    def profile(self, window: Window, task_type: str, *, most_bytes: int) -> Profile:
        return profile_files.profile(self._var_dir, window, task_type, most_bytes=most_bytes)


def _access_lines(folder: Path) -> Iterator[dict[str, Any]]:
    """NGINX's access lines about the API, newest first, as far as the end of its files reaches."""
    needle = f'"url.path":"{API_PATH}'.encode()
    room = _TAIL_BYTES
    for name in ("nginx.jsonl", "nginx.jsonl.1"):  # the file before counts only just after a rotation
        with suppress(OSError), (folder / name).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - room))
            room -= min(size, room)
            for line in reversed(file.read().splitlines()):
                if needle in line:
                    with suppress(orjson.JSONDecodeError):
                        yield orjson.loads(line)


class _Elasticsearch:
    def __init__(self, settings: MonitorSettings) -> None:
        self.where = settings.elasticsearch_url
        self._client = client(settings)

    def find(self, correlation_id: str) -> Found:
        return elasticsearch.find(self._client, correlation_id)

    def profile(self, window: Window, task_type: str, *, most_bytes: int) -> Profile:
        return profile_elasticsearch.profile(self._client, window, task_type)

    def traffic(self) -> Traffic:
        filters: list[dict[str, Any]] = [
            {"term": {"service.name": "nginx"}},
            {"term": {"event.action": "request.completed"}},
            {"prefix": {"url.path": API_PATH}},
        ]
        query = {
            "query": {"bool": {"filter": filters}},
            "sort": [{"@timestamp": "desc"}],
            "size": MOST_LINES,
            "track_total_hits": False,
            "_source": [
                "@timestamp",
                "correlation_id",
                "http.request.method",
                "url.path",
                "http.response.status_code",
                "duration_ms",
                "upstream.address",
                "upstream.node",
                "upstream.version",
            ],
        }
        answer = self._client.ask("POST", f"/{_ACCESS_LINES}/_search?ignore_unavailable=true", query)
        return traffic((hit["_source"] for hit in answer["hits"]["hits"]), datetime.now(UTC))
