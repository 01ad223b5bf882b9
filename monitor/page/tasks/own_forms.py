"""Whether a form that asks for a change was sent from this page: any web site can make a browser send one here.

Three signs, of which a browser sends at least two: the two of throughline/own_site.py, and a
token that is both in the form and in a cookie that other sites' requests do not carry. Nothing is kept here, so any
monitor can judge a form that another one made.
"""

import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Final

from monitor.page.refusal import Refused
from throughline import own_site
from throughline.own_site import Sender

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
    if own_site.sender(headers) is not Sender.OWN_PAGE:
        detail = "This did not come from the page itself, so nothing was done. Programs use the API: see /docs."
        raise Refused(403, "CROSS_SITE_REQUEST", detail)
    if not _TOKEN.fullmatch(token) or not hmac.compare_digest(token.encode(), cookies.get(COOKIE, "").encode()):
        detail = "The form does not belong to this browser any more, so nothing was done. Load the page again."
        raise Refused(403, "FORM_OUTDATED", detail)
