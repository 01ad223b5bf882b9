"""How both clients set up httpx: limits on everything, no redirects, and what its errors mean."""

from collections.abc import Mapping
from typing import Any, Final

import httpx

from throughline.client.address import authorization, checked_url, is_this_machine
from throughline.client.errors import InvalidRequest
from throughline.client.exchange import Answer, Lost, Request

_CONNECT_SECONDS: Final = 5.0
_HEADERS: Final = {"User-Agent": "throughline-client", "Accept": "application/json, application/problem+json"}


def options(base_url: str, api_key: str | None, connections: int) -> dict[str, Any]:
    """The arguments of `httpx.Client` and `httpx.AsyncClient`."""
    url = checked_url(base_url)
    try:
        httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidRequest(f"base_url is not a URL: {error}.") from None
    return {
        "base_url": url,
        "headers": _HEADERS | authorization(api_key),
        "limits": httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        "follow_redirects": False,  # a POST would arrive without its body, and the key elsewhere
        "trust_env": not is_this_machine(url),  # proxies and certificates of the environment
    }


def arguments(request: Request, silence: float | None = None) -> dict[str, Any]:
    """The arguments of `stream()`. Waiting for a connection of the pool may take as long as the whole answer."""
    seconds = request.seconds if silence is None else silence
    return {
        "method": request.method,
        "url": request.path,
        "params": dict(request.query),
        "headers": dict(request.headers),
        "content": request.content or None,
        "timeout": httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds)),
    }


def answer_of(response: httpx.Response, body: bytes) -> Answer:
    return Answer(response.status_code, _lower(response.headers), body)


def lost(error: Exception) -> Lost:
    """What an error of httpx means for the call. A certificate does not become valid by asking again."""
    reason = str(error).strip() or type(error).__name__
    return Lost(reason, final="CERTIFICATE_VERIFY_FAILED" in reason)


def _lower(headers: httpx.Headers) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}
