"""What NGINX's latest access lines say: how many requests failed, and which were submissions or refusals."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

API_PATH: Final = "/api/"
MOST_LINES: Final = 1000
WINDOW: Final = timedelta(minutes=5)
MINUTE: Final = timedelta(minutes=1)
_SUBMISSION: Final = "POST /api/v1/tasks"
_NOBODY: Final = {"", "none"}  # no replica answered
_SHOWN: Final = 15
NO_VERSION: Final = "none"  # no replica answered, as NGINX says it


@dataclass(frozen=True)
class Recent:
    """One correlation ID's latest submission, or a request that was refused or failed."""

    correlation_id: str
    at: datetime
    request: str
    status: int
    duration_ms: float
    version: str = NO_VERSION  # of the replica that answered
    replica: str = ""  # that answered; empty where NGINX did
    submissions: int = 1  # with this correlation ID that were taken, among those that were read


@dataclass(frozen=True)
class Answered:
    """How many requests replicas of one version answered, and how many of them with a server error."""

    answered: int
    failed: int


@dataclass(frozen=True)
class Answers:
    """Requests that one replica answered, or NGINX itself, within the last minute."""

    count: int
    failed: int
    p95_ms: float


@dataclass(frozen=True)
class Traffic:
    """Requests to the API within the last five minutes, at most the latest 1,000; server errors are 500 to 599."""

    answered: int
    refused: int
    failed: int
    seconds: float  # how far back they reach
    recent: tuple[Recent, ...]
    by_version: Mapping[str, Answered] = field(default_factory=dict)
    minute: Mapping[str, Answers] = field(default_factory=dict)  # by replica
    minute_seconds: float = 60.0  # how far back those reach: less than a minute with more than 1,000 requests
    taken: int = 0  # submissions within them that were accepted
    lately: tuple[Recent, ...] = ()  # those requests
    at: datetime | None = None  # when they were read

    def within(self, seconds: float) -> "Traffic":
        """With the minute cut down to so much of it, for rates that are compared with others of that time."""
        if self.at is None or not 0 < seconds < self.minute_seconds:
            return self
        since = self.at - timedelta(seconds=seconds)
        cut = tuple(request for request in self.lately if request.at >= since)
        return replace(self, minute=_answers(cut), minute_seconds=seconds, taken=_taken(cut), lately=cut)


def traffic(newest_first: Iterable[Mapping[str, Any]], now: datetime) -> Traffic:
    """From access lines in the vocabulary's fields. A malformed line is left out."""
    requests = list(islice(filter(None, map(_request, newest_first)), MOST_LINES))
    counted = [request for request in requests if now - request.at <= WINDOW]
    minute = [request for request in counted if now - request.at <= MINUTE]
    whole = len(counted) < MOST_LINES
    reach = WINDOW if whole else now - counted[-1].at
    return Traffic(
        answered=len(counted),
        refused=sum(400 <= request.status < 500 for request in counted),
        failed=sum(request.status >= 500 for request in counted),
        seconds=reach.total_seconds(),
        recent=tuple(_one_for_each_id(requests))[:_SHOWN],
        by_version=_by_version(counted),
        minute=_answers(minute),
        minute_seconds=min(MINUTE, reach).total_seconds(),
        taken=_taken(minute),
        lately=tuple(minute),
        at=now,
    )


def _taken(requests: Iterable[Recent]) -> int:
    return sum(request.request == _SUBMISSION and request.status == 201 for request in requests)


def _by_version(requests: Iterable[Recent]) -> dict[str, Answered]:
    answered = Counter[str]()
    failed = Counter[str]()
    for request in requests:
        answered[request.version] += 1
        failed[request.version] += request.status >= 500
    return {version: Answered(count, failed[version]) for version, count in answered.items()}


def _answers(requests: Iterable[Recent]) -> dict[str, Answers]:
    by: dict[str, list[Recent]] = {}
    for request in requests:
        by.setdefault(request.replica, []).append(request)
    return {
        replica: Answers(
            len(each),
            sum(request.status >= 500 for request in each),
            sorted(request.duration_ms for request in each)[min(len(each) - 1, int(0.95 * len(each)))],
        )
        for replica, each in by.items()
    }


def _request(line: Mapping[str, Any]) -> Recent | None:
    try:
        at = datetime.fromisoformat(line["@timestamp"])
        return Recent(
            correlation_id=str(line["correlation_id"]),
            at=at if at.tzinfo else at.replace(tzinfo=UTC),
            request=f"{line['http.request.method']} {line['url.path']}",
            status=int(line["http.response.status_code"]),
            duration_ms=float(line["duration_ms"]),
            version=str(line.get("upstream.version") or NO_VERSION),
            replica=_replica(line),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _replica(line: Mapping[str, Any]) -> str:
    """A replica of an earlier version does not say its name: its address then, the last one after a failover."""
    named = str(line.get("upstream.node", "none"))
    if named not in _NOBODY:
        return named
    answered = line.get("upstream.version", "none") not in _NOBODY
    return str(line.get("upstream.address", "")).rpartition(", ")[2] if answered else ""


def _one_for_each_id(requests: Iterable[Recent]) -> Iterable[Recent]:
    """Without successful reads: a client that polls would fill the list."""
    found: dict[str, Recent] = {}
    taken = Counter[str]()
    for request in requests:
        taken[request.correlation_id] += request.request == _SUBMISSION and request.status == 201
        if request.request.startswith("POST ") or request.status >= 400:
            found.setdefault(request.correlation_id, request)
    return [replace(each, submissions=taken[each.correlation_id]) for each in found.values()]
