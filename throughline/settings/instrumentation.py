"""What FastAPI's instrumentation reads: the documented variables of OpenTelemetry's contribution for Python."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from throughline.settings.environment import EnvironmentSettings


def _expressions(listed: str) -> str:
    """As the instrumentation reads them: separated by commas, and joined to one.

    Without the empty ones: what follows a last comma would match every URL.
    """
    expressions = [each for each in map(str.strip, listed.split(",")) if each]
    for expression in (*expressions, "|".join(expressions)):
        try:
            re.compile(expression)
        except re.error as error:
            raise ValueError(f"{expression!r} is not a regular expression: {error}") from None
    return ",".join(expressions)


def _with_stable_http(opted_in: str) -> str:
    if not {"http", "http/dup"} & {each.strip() for each in opted_in.split(",")}:
        raise ValueError("must contain http or http/dup: journeys and dashboards go by the stable names")
    return opted_in


# Keys of callers, and what a client may use to prove who it is: in no span, whatever is asked for.
_SECRET_HEADERS: Final = ("authorization", "api-key", "idempotency-key", "cookie", "nginx-secret")

Expressions = Annotated[str, AfterValidator(_expressions)]


class InstrumentationSettings(EnvironmentSettings):
    """Which requests get a server span and a measurement, and in whose words."""

    otel_python_fastapi_excluded_urls: Expressions | None = Field(
        None,
        description="Requests without a server span and a measurement: regular expressions, separated by commas, that "
        "are searched for in the whole URL, such as `/health,/api/v1/queues$`.",
    )
    otel_python_excluded_urls: Expressions = Field(
        "", description="The same for all instrumentations, where the variable above is not set."
    )
    otel_semconv_stability_opt_in: Annotated[str, AfterValidator(_with_stable_http)] = Field(
        "http",
        description="`http`: spans and metrics have the names of the stable HTTP conventions; `http/dup`: the old ones "
        "too.",
    )

    otel_instrumentation_http_capture_headers_server_request: Expressions = Field(
        "",
        description="Headers of requests that the server span records, as `http.request.header.…`: regular "
        "expressions, separated by commas, that match the whole name.",
    )
    otel_instrumentation_http_capture_headers_server_response: Expressions = Field(
        "", description="The same for answers, as `http.response.header.…`."
    )
    otel_instrumentation_http_capture_headers_sanitize_fields: Expressions = Field(
        "",
        description="Recorded headers whose values are replaced by `[REDACTED]`, beside those of keys and cookies.",
    )

    @property
    def excluded_urls(self) -> str:
        own = self.otel_python_fastapi_excluded_urls
        return self.otel_python_excluded_urls if own is None else own

    @property
    def sanitized_headers(self) -> list[str]:
        listed = self.otel_instrumentation_http_capture_headers_sanitize_fields.split(",")
        return [*filter(None, map(str.strip, listed)), *_SECRET_HEADERS]
