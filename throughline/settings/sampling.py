"""Which requests leave spans: OpenTelemetry's own variables, read alike by NGINX and by every process with its SDK."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from throughline.settings.environment import EnvironmentSettings


def _lower(value: object) -> object:
    """As OpenTelemetry reads it: in any case, but with a blank beside it, it would take its default."""
    return value.lower() if isinstance(value, str) else value


def _true_or_false(value: object) -> object:
    """As OpenTelemetry reads it: `1` and `yes` would mean one thing to us and another to its SDK."""
    if isinstance(value, str) and value.strip().lower() not in {"true", "false"}:
        raise ValueError("must be true or false")
    return value.strip().lower() if isinstance(value, str) else value


Sampler = Literal[
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
]


class SamplingSettings(EnvironmentSettings):
    """A request without spans still has its journey, from its log lines."""

    otel_sdk_disabled: Annotated[bool, BeforeValidator(_true_or_false)] = Field(
        False,
        description="`true`: no spans are made and no requests are measured; journeys come from log lines. The figures "
        "of the monitor's `/metrics` stay.",
    )
    otel_traces_sampler: Annotated[Sampler, BeforeValidator(_lower)] = Field(
        "parentbased_always_on",
        description="Which requests leave spans; `parentbased_…` does as a caller's `traceparent` says.",
    )
    otel_traces_sampler_arg: float = Field(
        1.0, ge=0, le=1, description="Share of traces that `traceidratio` and `parentbased_traceidratio` keep."
    )
