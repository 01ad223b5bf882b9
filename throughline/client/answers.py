"""Answers read: a body as JSON, a problem as the error that stands for it, Retry-After in seconds."""

import json
import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from throughline.client.errors import OF_CODE, ApiError, FieldError, Unavailable
from throughline.client.exchange import Answer

# Refusals that pass. 408 is NGINX's for a request that did not arrive in time.
_TEMPORARY: Final = {408, 429, 502, 503, 504}


def is_temporary(answer: Answer) -> bool:
    """Whether the same request may be answered otherwise a little later."""
    return answer.status in _TEMPORARY


def is_success(answer: Answer) -> bool:
    return 200 <= answer.status < 300


def document(answer: Answer, *needed: str) -> dict[str, Any]:
    """The body's JSON object with what is needed of it; an answer without is not Throughline's."""
    body = _object(answer)
    if body is None or not set(needed) <= body.keys():
        kind = answer.headers.get("content-type", "something without a type")
        raise ApiError(
            answer.status,
            "UNEXPECTED_ANSWER",
            f"This is no answer of Throughline's ({kind[:100]}). Is base_url right?",
            correlation_id=answer.headers.get("x-request-id", ""),
        )
    return body


def error_of(answer: Answer) -> ApiError:
    """The error that stands for an answer other than success, whoever gave it."""
    problem = _object(answer) or {}
    code, detail = problem.get("code"), problem.get("detail")
    correlation_id = problem.get("correlation_id") or answer.headers.get("x-request-id")
    if not isinstance(code, str):
        code, detail = _without_a_problem(answer)
    return OF_CODE.get(code, Unavailable if is_temporary(answer) else ApiError)(
        answer.status,
        code,
        str(detail or _phrase(answer.status)),
        correlation_id=str(correlation_id or ""),
        errors=_field_errors(problem.get("errors")),
        retry_after=retry_after(answer.headers),
    )


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds to wait, from a number or from a date by the server's own clock; None when there is neither."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value)
    moment = _moment(value)
    if moment is None:
        return None
    here = _moment(headers.get("date", ""))
    return max(0.0, moment - (here if here is not None else time.time() if now is None else now))


def _without_a_problem(answer: Answer) -> tuple[str, str]:
    """For what others than Throughline answer: a proxy's HTML page, a redirect, nothing at all."""
    if 300 <= answer.status < 400:
        where = answer.headers.get("location", "").partition("?")[0][:200]
        return "REDIRECTED", f"It redirects to {where or 'nowhere'}. Give the service's own address as base_url."
    codes = {401: "UNAUTHORIZED", 403: "FORBIDDEN", 413: "PAYLOAD_TOO_LARGE", 429: "RATE_LIMITED"}
    codes |= {502: "REPLICAS_UNAVAILABLE", 504: "REPLICA_TIMEOUT"}
    return codes.get(answer.status, f"HTTP_{answer.status}"), f"{_phrase(answer.status)}, without a reason given."


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in {each.value for each in HTTPStatus} else "An unknown status"


def _field_errors(errors: object) -> list[FieldError]:
    listed = [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    return [FieldError(str(each.get("field", "")), str(each.get("message", ""))) for each in listed]


def _object(answer: Answer) -> dict[str, Any] | None:
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):  # not JSON, or not UTF-8
        return None
    return body if isinstance(body, dict) else None


def _moment(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if math.isfinite(moment) else None
