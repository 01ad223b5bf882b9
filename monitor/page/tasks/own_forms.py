"""Whether a form that asks for a change was sent from this page: any web site can make a browser send one here.

Three signs, of which a browser sends at least two: `Sec-Fetch-Site` (over HTTPS and to localhost), `Origin`, and a
token that is both in the form and in a cookie that other sites' requests do not carry. Nothing is kept here, so any
monitor can judge a form that another one made.
"""

import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from monitor.page.refusal import Refused

COOKIE: Final = "throughline_form"
FIELD: Final = "token"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)


def token_of(cookies: Mapping[str, str]) -> str:
    """The browser's token, or a new one: forms in its other tabs stay valid."""
    kept = cookies.get(COOKIE, "")
    return kept if _TOKEN.fullmatch(kept) else secrets.token_urlsafe(24)


def cookie(token: str) -> dict[str, str]:
    """The header that gives the browser its token. Not `Secure`: many a Throughline is reached without TLS."""
    return {"Set-Cookie": f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax"}


def require_own(headers: Mapping[str, str], cookies: Mapping[str, str], token: str) -> None:
    """Raises `Refused` for a form of another site, of an old page or of no browser."""
    if not _is_from_here(headers):
        detail = "This did not come from the page itself, so nothing was done. Programs use the API: see /docs."
        raise Refused(403, "CROSS_SITE_REQUEST", detail)
    if not _TOKEN.fullmatch(token) or not hmac.compare_digest(token.encode(), cookies.get(COOKIE, "").encode()):
        detail = "The form does not belong to this browser any more, so nothing was done. Load the page again."
        raise Refused(403, "FORM_OUTDATED", detail)


def _is_from_here(headers: Mapping[str, str]) -> bool:
    """The host decides, not the scheme: TLS may end at a proxy before NGINX."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    try:
        return urlsplit(headers.get("origin", "")).netloc.lower() == headers.get("host", "").lower() != ""
    except ValueError:
        return False
