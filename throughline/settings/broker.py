"""What every process reads that takes part in a task: api, workers and monitor."""

from pathlib import Path

from pydantic import Field

from throughline import redis_url
from throughline.settings.fields import RedisUrl, ServerAddress
from throughline.settings.process import ProcessSettings
from throughline.settings.sampling import SamplingSettings


class BrokerSettings(ProcessSettings, SamplingSettings):
    """Where Redis is, and where spans go."""

    redis_url: RedisUrl = Field(
        redis_url.DEFAULT,
        description="Broker, results and Throughline's own keys: `redis://:password@host:port/db`, `rediss://…` with "
        "the options `ssl_cert_reqs` (`required`, `optional` or `none`), `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile` "
        "and `ssl_check_hostname`, or `unix://:password@/path/of/redis.sock?db=0`.",
    )
    otel_exporter_otlp_endpoint: ServerAddress = Field(
        "", description="Collector that spans are sent to by OTLP/HTTP, such as `http://otel-collector:4318`."
    )
    spans_dir: Path | None = Field(
        None, description="Folder for OTLP/JSON span lines, used when no collector is set (`make up` sets it)."
    )
    task_modules: str = Field(
        "risk",
        description="Python modules whose tasks are on offer, such as `risk,my_tasks`; those of installed packages "
        "(entry point `throughline.tasks`) come by themselves.",
    )
