"""Every setting of every process: one class, read from environment variables, checked before anything starts."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The environment variables that Throughline reads; docs/settings.md is printed from this class."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    environment: Literal["development", "staging", "production"] = Field(
        "development", description="How much is logged: everything, important events, or business events."
    )
    redis_url: str = Field(
        "redis://127.0.0.1:6379/0",
        description="Broker, results and Throughline's own keys: `redis://:password@host:port/db`.",
    )
    redis_timeout_seconds: float = Field(
        0.5, gt=0, le=10, description="Longest wait of the api and the monitor for one answer from Redis."
    )
    service_node_name: str = Field(
        "",
        description="This instance's name (`fastapi-2`, `worker-3`); default: service and host name.",
    )

    otel_exporter_otlp_endpoint: str = Field(
        "", description="Collector that spans are sent to by OTLP/HTTP, such as `http://otel-collector:4318`."
    )
    spans_dir: Path | None = Field(
        None,
        description="Folder for OTLP/JSON span lines, used when no collector is set (`make up` sets it).",
    )

    elasticsearch_url: str = Field(
        "",
        description="Elasticsearch that `throughline journey` and its page search, such as `http://127.0.0.1:9200`.",
    )
    elasticsearch_user: str = Field("throughline_reader", description="Who searches it.")
    elasticsearch_password: str = Field("", description="That user's password (`READER_PASSWORD` in `.env`).")

    kibana_public_url: str = Field(
        "", description="Kibana as browsers reach it: the journey page links to it, such as `http://localhost:5601`."
    )
    jaeger_public_url: str = Field("", description="Jaeger as browsers reach it, such as `http://localhost:16686`.")
    api_public_url: str = Field("", description="NGINX as browsers reach it, such as `http://localhost`.")

    circuit_max_depth: int = Field(500, ge=1, description="Waiting tasks at which the circuit breaker opens.")
    circuit_close_depth: int = Field(
        400, ge=0, description="Waiting tasks at or below which a half-open circuit breaker closes."
    )
    circuit_open_seconds: float = Field(60, gt=0, le=600, description="First wait of an open circuit breaker.")
    idempotency_ttl_seconds: int = Field(300, ge=1, description="How long an `Idempotency-Key` is remembered.")
    result_ttl_seconds: int = Field(604_800, ge=60, description="How long task records and results are kept.")

    api_keys_file: Path | None = Field(
        None,
        description="File of API keys, a line `name scope,scope sha256` each; without it, no key is asked for.",
    )
    rate_limit_per_second: int = Field(
        1000, ge=1, description="Requests a second that NGINX lets through for one API key or address in the long run."
    )
    rate_limit_burst: int = Field(2000, ge=1, description="Requests beyond that which NGINX lets through at once.")

    worker_concurrency: int = Field(4, ge=1, le=64, description="Processes of one worker.")
    worker_max_tasks_per_child: int = Field(
        500, ge=1, description="Tasks after which a worker process is replaced by a fresh one."
    )
    task_soft_time_limit_seconds: int = Field(90, ge=1, description="Run time at which a task is asked to stop.")
    task_time_limit_seconds: int = Field(120, ge=2, description="Run time at which a task's process is killed.")
    visibility_timeout_seconds: int = Field(
        180,
        ge=3,
        description="Time after which an unacknowledged task is delivered again; above the time limit.",
    )

    max_deliveries: int = Field(
        3, ge=1, le=100, description="Deliveries after which a task whose process was lost each time is a dead letter."
    )
    task_max_retries: int = Field(3, ge=0, le=100, description="Retries of a task after temporary errors.")
    task_retry_seconds: float = Field(
        60, gt=0, le=86_400, description="Wait before such a retry, give or take a fifth by chance."
    )
    worker_max_memory_mb: int = Field(
        1024, ge=64, description="Memory at which a worker process is replaced after its task."
    )
    worker_shutdown_seconds: float = Field(
        25, gt=0, le=600, description="How long a worker that is told to stop may finish its tasks before they go back."
    )

    sweep_interval_seconds: float = Field(5, gt=0, le=60, description="How often the monitor looks for lost tasks.")
    sample_interval_seconds: float = Field(5, gt=0, le=300, description="How often the monitor samples the queues.")

    monitor_host: str = Field("127.0.0.1", description="Address that `python -m monitor` listens on.")
    monitor_port: int = Field(
        8084, ge=1, le=65_535, description="Port of `python -m monitor` (the page and `/metrics`)."
    )

    http_port: int = Field(
        8080,
        ge=1,
        le=65_500,
        description="NGINX's port of a local run; the other local ports follow it (+1 … +5).",
    )
    api_replicas: int = Field(3, ge=1, le=3, description="FastAPI replicas of a local run.")
    worker_replicas: int = Field(
        3, ge=0, le=64, description="Workers of a local run; how many the monitor takes for complete."
    )
    var_dir: Path = Field(
        Path("var"),
        description="Where a local run keeps logs, spans, Redis's data and its own configuration.",
    )

    @field_validator("redis_url")
    @classmethod
    def _redis_scheme(cls, url: str) -> str:
        if urlsplit(url).scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return url

    @field_validator("kibana_public_url", "jaeger_public_url", "api_public_url")
    @classmethod
    def _web_address(cls, url: str) -> str:
        # It is written into links: whatever could end the link early, or lead it elsewhere, is refused.
        if url and not re.fullmatch(r"https?://[A-Za-z0-9._\-\[\]:]+(/[A-Za-z0-9._~/-]*)?", url):
            raise ValueError("must be an address that begins with http:// or https://, without query, quotes or blanks")
        return url.rstrip("/")

    @field_validator("visibility_timeout_seconds")
    @classmethod
    def _visibility_above_time_limit(cls, seconds: int, info: object) -> int:
        # A message that becomes visible while its task still runs is run a second time beside the first.
        limit = getattr(info, "data", {}).get("task_time_limit_seconds", 0)
        if seconds <= limit:
            raise ValueError(f"must be above TASK_TIME_LIMIT_SECONDS ({limit})")
        return seconds


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """The settings of this process; ends it with one line per wrong variable, since none of it can run on a guess."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        raise SystemExit("Wrong settings in the environment:\n  " + "\n  ".join(lines)) from None
