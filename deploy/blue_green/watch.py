"""Watches what clients get after a switch: NGINX's lines in windows, and the new pods' restarts."""

import time
from typing import Final

from deploy.blue_green.answers import Answer, answers, excused
from deploy.blue_green.cluster import Cluster
from deploy.blue_green.colours import Colour
from deploy.blue_green.error_rate import Count, ErrorRate, count
from deploy.blue_green.errors import CannotRelease, NotFit
from deploy.blue_green.pods import restarted, restarts
from deploy.blue_green.telling import tell

BEFORE_SECONDS: Final = 60
_WINDOW_SECONDS: Final = 3.0
_TOLD_EVERY: Final = 5  # windows
_UNREAD_AT_MOST: Final = 3  # windows in a row, while the API server is away


class NginxLines:
    """New answers only. Lines are asked for by their age, and known by their span ID: no two clocks are compared."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._known: set[str] = set()
        self._read_at = time.monotonic()

    def before(self) -> Count:
        found = self._answers(BEFORE_SECONDS)
        self._known = {answer.key for answer in found}
        return self._count(found, BEFORE_SECONDS, None)

    def since(self, colour: Colour) -> Count:
        """What came since the last call."""
        age = int(time.monotonic() - self._read_at) + 5  # a line is in the file a moment after it was written
        found = self._answers(age)
        new = [answer for answer in found if answer.key not in self._known]
        self._known = {answer.key for answer in found}
        return self._count(new, age, colour)

    def _answers(self, age: int) -> list[Answer]:
        self._read_at, asked = time.monotonic(), self._read_at
        try:
            return list(answers(self._cluster.kubectl.logs(self._cluster.selector("nginx"), f"--since={age}s")))
        except CannotRelease:
            self._read_at = asked  # the next call reads these seconds as well
            raise

    def _count(self, found: list[Answer], age: int, colour: Colour | None) -> Count:
        """Only a 503 may be excused, and then by the api's own line."""
        if not any(answer.status == 503 for answer in found):
            return count(found)
        said = self._cluster.kubectl.logs(self._cluster.selector("api", colour), f"--since={age + 5}s")
        return count(found, excused(said))


class Watch:
    """From the switch on: errors may begin with the first request."""

    def __init__(self, cluster: Cluster, colour: Colour, lines: NginxLines, rate: ErrorRate, probe: str) -> None:
        self._cluster, self._lines, self.rate = cluster, lines, rate
        self._colour: Colour = colour
        self._probe = probe
        self._reached = False
        self._restarts = restarts(cluster.pods("api", colour))

    def last(self, seconds: float) -> None:
        """Raises `NotFit` as soon as the error rate or a pod is bad, and when no request has come by the end."""
        deadline, number, unread = time.monotonic() + seconds, 0, 0
        while time.monotonic() < deadline:
            time.sleep(min(_WINDOW_SECONDS, max(0.5, deadline - time.monotonic())))
            number += 1
            try:
                self._look()
                unread = 0
            except CannotRelease as failed:
                unread += 1
                tell(f"The cluster was not read ({unread} of {_UNREAD_AT_MOST} times): {failed}")
                if unread >= _UNREAD_AT_MOST:
                    raise
            if number % _TOLD_EVERY == 0:
                tell(f"  {self.rate.since.answers} answers since the switch, {self.rate.since.errors} errors")
        if not self._reached:
            raise NotFit(f"No request through NGINX has reached {self._colour} within {seconds:.0f} s.")

    def _look(self) -> None:
        self.rate.add(self._lines.since(self._colour))
        if bad := self.rate.bad():
            raise NotFit(_told(bad, self.rate))
        pods = self._cluster.pods("api", self._colour)
        if again := restarted(self._restarts, pods):
            raise NotFit(f"{again[0].name} has restarted. {again[0].hopeless}".rstrip())
        self._cluster.refuse_hopeless(pods)
        if not self._reached and self._cluster.has_written("api", self._colour, self._probe):
            self._reached = True
            tell(f"  requests through NGINX reach {self._colour}")


def _told(bad: Count, rate: ErrorRate) -> str:
    return (
        f"{bad.errors} of {bad.answers} answers are errors: {bad.percent:.1f} %, more than {rate.limit:.1f} % "
        f"(before the switch: {rate.before.percent:.1f} %). Correlation IDs: {', '.join(bad.samples)}"
    )
