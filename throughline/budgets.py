"""How many requests a second are answered: to each API key's owner, and to each address that sends no known key.

NGINX cannot hash, and so cannot tell a key of API_KEYS_FILE from a made-up one: it limits what comes without a key, by
its address, and leaves the rest to the process that has the file. A budget is counted as NGINX's `limit_req` with
`nodelay` does it. How many addresses are remembered is bounded, so that nobody can fill the memory with them.
"""

import hmac
import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

from throughline.api_keys import ApiKeys, sent_key

ADDRESS_HEADER: Final = "x-real-ip"  # of NGINX, and believed only beside its secret
PROOF_HEADER: Final = "x-nginx-secret"
MOST_ADDRESSES: Final = 10_000
_PREFIX_OF_A_SITE: Final = 64  # bits: whoever has an IPv6 address has all that begin like it


class Budgets:
    """Of one process. `shares`: among how many of its kind NGINX spreads the requests, all of which count alike."""

    def __init__(
        self,
        keys: ApiKeys,
        per_second: int,
        burst: int,
        nginx_secret: str = "",
        shares: Callable[[], int] = lambda: 1,
    ) -> None:
        self._keys, self._per_second, self._burst, self._shares = keys, per_second, burst, shares
        self._secret = nginx_secret.encode()
        self._callers: dict[str, tuple[float, float]] = {}  # bounded by the file of keys
        self._addresses: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def seconds_to_wait(self, headers: Mapping[str, str], peer: str, now: float) -> float:
        """0 when the request may be answered, which is counted then. `headers` by their names in lower case."""
        key = sent_key(headers.get("authorization", ""), headers.get("x-api-key", ""))
        if not key:
            return 0  # NGINX has counted it
        if owner := self._keys.owner(key):
            return self._take(self._callers, owner.name, now)
        address = site(self._address(headers, peer))
        wait = self._take(self._addresses, address, now)
        self._addresses.move_to_end(address)
        while len(self._addresses) > MOST_ADDRESSES:
            self._addresses.popitem(last=False)
        return wait

    def _address(self, headers: Mapping[str, str], peer: str) -> str:
        """Of the client itself: behind NGINX what it says, which a client cannot."""
        said = headers.get(PROOF_HEADER, "").encode()
        return headers.get(ADDRESS_HEADER, peer) if self._secret and hmac.compare_digest(said, self._secret) else peer

    def _take(self, budgets: dict[str, tuple[float, float]], name: str, now: float) -> float:
        shares = self._shares()
        rate, burst = self._per_second / shares, self._burst / shares
        excess, since = budgets.get(name, (-1.0, now))
        excess = max(excess - (now - since) * rate, -1.0) + 1
        if excess > burst:
            return (excess - burst) / rate
        budgets[name] = excess, now
        return 0


def site(address: str) -> str:
    """What counts as one address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # a Unix socket's
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, _PREFIX_OF_A_SITE), strict=False))
