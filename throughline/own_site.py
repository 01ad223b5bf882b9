"""Which requests of browsers are this service's own: any web site can make a browser that reaches it send one here.

Two ways are open to such a site. It sends a request to this service, whose answer it cannot read, but which may change
something: so what changes anything is refused when the browser says that another site's page sends it, in
`Sec-Fetch-Site` (over HTTPS, and to localhost) or in `Origin`. Or it gives its own name the address 127.0.0.1 (DNS
rebinding), and is then the same site to the browser, which reads the answers too: so a connection on the loopback
device is answered under a loopback name alone, and under those of ALLOWED_HOSTS.

Programs say nothing of all that, and are answered.
"""

import ipaddress
import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final
from urllib.parse import urlsplit

READING: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
ANY_HOST: Final = "*"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]*)(:[0-9]*)?")

NOT_HERE: Final = (421, "MISDIRECTED_REQUEST")
OTHER_SITE: Final = (403, "CROSS_SITE_REQUEST")
NOT_HERE_DETAIL: Final = (
    "On this machine the service answers as localhost, 127.0.0.1 or [::1] alone; ALLOWED_HOSTS names others."
)
OTHER_SITE_DETAIL: Final = "This request comes from a page of another site, so nothing was done."


class Sender(Enum):
    """Who made a browser send a request."""

    OWN_PAGE = auto()
    OTHER_SITE = auto()
    NO_PAGE = auto()  # a program, or somebody who typed the address


def sender(headers: Mapping[str, str]) -> Sender:
    """`headers` by their names in lower case. The host decides, not the scheme: TLS may end at a proxy."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site == "same-origin":
        return Sender.OWN_PAGE
    is_own = origin is not None and _is_at(origin, headers.get("host", ""))
    if site == "none":
        return Sender.NO_PAGE if origin is None or is_own else Sender.OTHER_SITE
    if site is not None:
        return Sender.OTHER_SITE
    if origin is None:
        return Sender.NO_PAGE
    return Sender.OWN_PAGE if is_own else Sender.OTHER_SITE


def is_served(host: str, address: str | None, allowed: frozenset[str] = frozenset()) -> bool:
    """Whether a request with this `Host` is answered that came in on this address of the machine.

    Without a Host there is no site: no browser leaves it out.
    """
    if not host or ANY_HOST in allowed or not _is_loopback(address):
        return True
    found = _HOST.fullmatch(host.lower())
    return found is not None and found[1].removesuffix(".") in _LOOPBACK | allowed


def names(listed: str) -> frozenset[str]:
    """The names in a list with commas."""
    return frozenset(each.strip().lower().removesuffix(".") for each in listed.split(",") if each.strip())


def _is_at(origin: str, host: str) -> bool:
    try:
        return urlsplit(origin).netloc.lower() == host.lower() != ""
    except ValueError:
        return False


def _is_loopback(address: str | None) -> bool:
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:  # a Unix socket, or no address known
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback
