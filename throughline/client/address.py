"""Where a client's requests go and with which key: what cannot be right is refused before anything is sent."""

import ipaddress
import math
import re
from typing import Final
from urllib.parse import urlsplit

from throughline.client.errors import InvalidRequest

_KEY: Final = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)
_BLANKS: Final = re.compile(r"[\x00-\x20\x7f]|[^\x00-\x7f]")


def checked_url(base_url: str) -> str:
    """The base URL without a slash at its end."""
    if not isinstance(base_url, str) or _BLANKS.search(base_url):
        raise InvalidRequest("base_url must be a URL such as http://localhost:8080, without blanks.")
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidRequest(f"base_url is not a URL: {error}.") from None
    if "@" in parts.netloc:  # said first, and without the URL: it may hold a password
        raise InvalidRequest("base_url must hold no user and no password; an API key is given as api_key.")
    if parts.scheme not in {"http", "https"} or not host or port == 0:
        raise InvalidRequest(f"base_url must begin with http:// or https:// and name a host, not {base_url!r}.")
    if parts.query or parts.fragment:
        raise InvalidRequest(f"base_url must have no query and no fragment: {base_url!r}.")
    return base_url.rstrip("/")


def authorization(api_key: str | None) -> dict[str, str]:
    """The header that carries the key. What is wrong with a key is said without showing it."""
    if api_key is None:
        return {}
    if not isinstance(api_key, str) or not _KEY.fullmatch(api_key):
        raise InvalidRequest("api_key must be printable ASCII without blanks. Is there a newline at its end?")
    return {"Authorization": f"Bearer {api_key}"}


def is_this_machine(base_url: str) -> bool:
    """Whether no proxy can be meant for it."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def checked_seconds(name: str, seconds: float, most: float = math.inf) -> float:
    """The number of seconds; from above zero to `most`."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= most:
        limit = "" if math.isinf(most) else f" and at most {most:g}"
        raise InvalidRequest(f"{name} must be a number of seconds above 0{limit}, not {seconds!r}.")
    return float(seconds)
