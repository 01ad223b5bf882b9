"""The answers: pages from templates, refusals as a page or a problem, files that a browser may keep."""

import hashlib
import re
from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final

from fastapi import Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from monitor.page.accept_header import wants_html
from monitor.page.breakable import breakable
from monitor.page.refusal import Refused
from throughline.problem import MEDIA_TYPE, problem_of
from throughline.telemetry import correlation

# Own files only, nothing inline, so that nothing in a log line or an ID can run in the browser.
_CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "Vary": "Accept",
}
_HOST: Final = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}", re.ASCII)
_KINDS: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_STATIC: Final = {
    path.name: path.read_bytes()
    for path in files("monitor.page").joinpath("static").iterdir()
    if path.name.rpartition(".")[2] in _KINDS
}


def base_url(request: Request) -> str:
    """The address in the browser. A Host header that is not a host name is not put into a command for a shell."""
    host = request.headers.get("host", "")
    return f"{request.url.scheme}://{host}" if _HOST.fullmatch(host) else "http://localhost"


def _asset(name: str) -> str:
    """The path of a file, which changes with its content: a browser may keep it for as long as it likes."""
    return f"/assets/{name}?{hashlib.sha256(_STATIC[name]).hexdigest()[:12]}"


TEMPLATES: Final = Environment(
    loader=PackageLoader("monitor.page"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
TEMPLATES.globals["asset"] = _asset
TEMPLATES.filters["breakable"] = breakable


def rendered(template: str, **values: Any) -> str:
    return TEMPLATES.get_template(template).render(values)


def page(html: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(html, status, HEADERS | dict(headers or {}), "text/html; charset=utf-8")


def document(json: bytes) -> Response:
    return Response(json, 200, HEADERS, "application/json")


def download(json: bytes, file_name: str) -> Response:
    """To be kept as a file, not shown: it holds what strangers have sent."""
    disposition = {"Content-Disposition": f'attachment; filename="{file_name}"'}
    return Response(json, 200, HEADERS | disposition, "application/json")


def static(name: str) -> Response:
    """One of the page's own files."""
    if name not in _STATIC:
        raise Refused(404, "NOT_FOUND", "There is no such file.")
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(_STATIC[name], 200, headers, _KINDS[name.rpartition(".")[2]])


def refusal(request: Request, refused: Refused, searched: str = "") -> Response:
    """A page for browsers, problem+json for programs."""
    if not wants_html(request.headers.get("accept", "")):
        request_id = correlation.current() or correlation.keep_or_make(request.headers.get("x-request-id"))
        problem = problem_of(
            request.url.path, refused.status, refused.code, refused.detail, correlation_id=request_id
        ).model_dump_json(exclude_none=True)
        return Response(problem, refused.status, HEADERS | refused.headers, MEDIA_TYPE)
    title = HTTPStatus(refused.status).phrase
    html = rendered("refusal.html", title=title, refused=refused, searched=searched)
    return page(html, refused.status, refused.headers)


def internal_error(request: Request) -> Response:
    """Says that the fault is ours and where to look for it, and reveals nothing internal."""
    detail = "Something went wrong on our side. The monitor's log lines tell what it was."
    return refusal(request, Refused(500, "INTERNAL", detail))
