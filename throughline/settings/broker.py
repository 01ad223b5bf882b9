"""What every process reads that takes part in a task: api, workers and monitor."""

from pathlib import Path

from pydantic import Field

from throughline.settings.fields import RedisUrl
from throughline.settings.process import ProcessSettings


class BrokerSettings(ProcessSettings):
    """Where Redis is, and where spans go."""

    redis_url: RedisUrl = Field(
        "redis://127.0.0.1:6379/0",
        description="Broker, results and Throughline's own keys: `redis://:password@host:port/db`.",
    )
    otel_exporter_otlp_endpoint: str = Field(
        "", description="Collector that spans are sent to by OTLP/HTTP, such as `http://otel-collector:4318`."
    )
    spans_dir: Path | None = Field(
        None, description="Folder for OTLP/JSON span lines, used when no collector is set (`make up` sets it)."
    )
