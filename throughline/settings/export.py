"""Where spans and measurements go, and how: OpenTelemetry's own variables, checked before its SDK reads them."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, FilePath

from throughline.settings.environment import EnvironmentSettings
from throughline.settings.fields import ServerAddress


def _pairs(listed: str) -> str:
    """The SDK leaves out a wrong pair with a warning. The values may be secrets: none is repeated."""
    for pair in filter(str.strip, listed.split(",")):
        name, equals, _ = pair.partition("=")
        if not equals or not name.strip():
            raise ValueError("must be name=value pairs, separated by commas")
    return listed


def _headers(listed: str) -> str:
    """The SDK would leave out a header that is none, and write it into its warning: with its value."""
    for pair in filter(str.strip, _pairs(listed).split(",")):
        if not _HEADER.fullmatch(pair):
            raise ValueError('must be HTTP headers: name=value, percent-encoded where it has ; " \\ or no ASCII')
    return listed


_HEADER: Final = re.compile(r"\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+[ \t]*=[ \t]*[ !#-+\--:<-\[\]-~]*\s*")  # as the SDK has it
Pairs = Annotated[str, AfterValidator(_pairs)]
Headers = Annotated[str, AfterValidator(_headers)]


class ExportSettings(EnvironmentSettings):
    """To a collector or into files; who is named as their source; how much a span holds."""

    otel_exporter_otlp_endpoint: ServerAddress = Field(
        "",
        description="Collector that spans, and the api's measurements, are sent to by OTLP/HTTP, such as "
        "`http://otel-collector:4318`.",
    )
    otel_exporter_otlp_headers: Headers = Field(
        "", description="Headers that the collector asks for: `name=value`, separated by commas."
    )
    otel_exporter_otlp_timeout: float = Field(
        5, gt=0, le=60, description="Seconds that one export to the collector may take."
    )
    otel_exporter_otlp_certificate: FilePath | None = Field(
        None, description="File of the authority that a collector's `https://` certificate is from."
    )
    otel_exporter_otlp_compression: Literal["none", "gzip", "deflate"] = Field(
        "none", description="How what is sent to the collector is compressed: `gzip`, `deflate` or `none`."
    )
    spans_dir: Path | None = Field(
        None, description="Folder for OTLP/JSON span lines, used when no collector is set (`make up` sets it)."
    )
    otel_resource_attributes: Pairs = Field(
        "",
        description="What else is said of the source of each span and measurement: `name=value`, separated by commas, "
        "such as `deployment.environment.name=test`; `service.name`, `service.version` and `service.instance.id` "
        "stay ours.",
    )
    otel_metrics_exporter: Literal["otlp", "none"] = Field(
        "otlp", description="`none`: no measurements are sent, to a collector that takes spans alone (Jaeger)."
    )
    otel_metric_export_interval: int = Field(
        15_000, ge=100, le=3_600_000, description="Milliseconds between two exports of the api's measurements."
    )
    otel_bsp_schedule_delay: int = Field(
        200,
        ge=1,
        le=60_000,
        description="Milliseconds between two exports of spans: a journey is complete this long after its last step.",
    )
    otel_bsp_max_queue_size: int = Field(
        2048, ge=1, le=1_000_000, description="Spans that may wait for their export in one process; more are dropped."
    )
    otel_bsp_max_export_batch_size: int = Field(512, ge=1, description="Spans that are exported at once.")
    # What we set ourselves must fit, the correlation ID first of all: a span has up to thirty attributes of ours.
    otel_attribute_count_limit: int | None = Field(None, ge=32, description="Attributes of a span, an event or a link.")
    otel_attribute_value_length_limit: int | None = Field(
        None, ge=128, description="Characters of an attribute's value; without it, any number."
    )
    otel_span_attribute_count_limit: int | None = Field(
        None, ge=32, description="Attributes of a span; more are dropped, the oldest first. Default: 128."
    )
    otel_span_attribute_value_length_limit: int | None = Field(
        None, ge=128, description="Characters of a span's attribute's value."
    )
    otel_span_event_count_limit: int | None = Field(None, ge=0, description="Events of a span. Default: 128.")
    otel_span_link_count_limit: int | None = Field(None, ge=0, description="Links of a span. Default: 128.")
    otel_event_attribute_count_limit: int | None = Field(None, ge=0, description="Attributes of a span's event.")
    otel_link_attribute_count_limit: int | None = Field(None, ge=0, description="Attributes of a span's link.")
