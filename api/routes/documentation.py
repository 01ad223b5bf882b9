"""/docs and /redoc: the API's documentation for people, whose pages load their programs from a public server.

A page of FastAPI's own comes without a content-security policy; these allow just what they are made of.
"""

import base64
import hashlib
import re
from typing import Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse

_BASE: Final = (
    "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "img-src data: https://fastapi.tiangolo.com https://cdn.redoc.ly; "
)
_INLINE: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_SCRIPT: Final = re.compile(r'<script src="([^"]+)"')
_STYLE: Final = re.compile(r'<link type="text/css" rel="stylesheet" href="([^"]+)"')
# ReDoc writes its styles into the page, loads a font and searches in a worker.
_REDOC: Final = (
    "style-src 'unsafe-inline' https://fonts.googleapis.com; font-src https://fonts.gstatic.com; worker-src blob:; "
)

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def swagger(request: Request) -> Response:
    app: FastAPI = request.app
    page = get_swagger_ui_html(openapi_url=str(app.openapi_url), title=app.title)
    styles = " ".join(_STYLE.findall(_text(page)))
    return _with_policy(page, f"style-src {styles}; ")


@router.get("/redoc")
async def redoc(request: Request) -> Response:
    app: FastAPI = request.app
    return _with_policy(get_redoc_html(openapi_url=str(app.openapi_url), title=app.title), _REDOC)


def _with_policy(page: HTMLResponse, styles: str) -> Response:
    text = _text(page)
    scripts = [*_SCRIPT.findall(text), *(f"'sha256-{_hash(each)}'" for each in _INLINE.findall(text))]
    page.headers["Content-Security-Policy"] = f"{_BASE}{styles}script-src {' '.join(scripts)}"
    return page


def _text(page: HTMLResponse) -> str:
    return bytes(page.body).decode()


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
