"""The body of every error answer (RFC 9457), whichever process gives it."""

from http import HTTPStatus
from typing import Final

from pydantic import BaseModel, ConfigDict

MEDIA_TYPE: Final = "application/problem+json"
NOTHING_HERE: Final = "There is nothing at this address."  # a path that no route has


class FieldError(BaseModel):
    """One thing wrong with the request's body."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"field": "data.confidence_level", "message": "Input should be less than 1"}}
    )

    field: str
    message: str


class Problem(BaseModel):
    """The body of every error answer."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    category: str
    correlation_id: str
    errors: list[FieldError] | None = None


def problem_of(
    request_path: str,
    status: int,
    code: str,
    detail: str,
    *,
    correlation_id: str,
    field_errors: list[FieldError] | None = None,
) -> Problem:
    """A problem with the title and category that belong to its status, and the type that belongs to its code."""
    return Problem(
        type=f"urn:throughline:problem:{code.lower().replace('_', '-')}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=request_path,
        code=code,
        category="CLIENT_ERROR" if status < 500 else "SERVER_ERROR",
        correlation_id=correlation_id,
        errors=field_errors,
    )
