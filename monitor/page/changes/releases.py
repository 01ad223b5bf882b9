"""Deployments as people see them: that of four services within minutes of each other is one release."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from throughline.ledger.deployments import SERVICES, Deployment

_TOGETHER_SECONDS: Final = 600.0


@dataclass(frozen=True)
class Release:
    """Some services run another version since about the same time: `at` is that of the first (s since 1970)."""

    version: str
    previous_version: str
    services: tuple[str, ...]
    at: float
    last_at: float

    @property
    def words(self) -> str:
        """`1.4 → 1.5 (api, worker)`."""
        return f"{self.previous_version} → {self.version} ({', '.join(self.services)})"


def releases(deployments: Iterable[Deployment]) -> tuple[Release, ...]:
    """The latest first. A service that is deployed a second time begins another release."""
    found: list[Release] = []
    for one in sorted(deployments, key=lambda each: each.at):
        place = next((number for number, each in enumerate(found) if _belongs(one, each)), None)
        if place is None:
            found.append(Release(one.version, one.previous_version, (one.service,), one.at, one.at))
        else:
            services = sorted({*found[place].services, one.service}, key=_order)
            found[place] = replace(found[place], services=tuple(services), last_at=one.at)
    return tuple(sorted(found, key=lambda each: each.at, reverse=True))


def _belongs(one: Deployment, release: Release) -> bool:
    is_same = (one.version, one.previous_version) == (release.version, release.previous_version)
    return is_same and one.service not in release.services and one.at - release.last_at <= _TOGETHER_SECONDS


def _order(service: str) -> int:
    return SERVICES.index(service) if service in SERVICES else len(SERVICES)
