"""What the monitor reads, its page included."""

from pathlib import Path

from pydantic import Field

from throughline.settings import fields
from throughline.settings.broker import BrokerSettings
from throughline.settings.fields import CertificateFile, NginxSecret, ServerAddress, WebAddress
from throughline.settings.history import HistorySettings


class MonitorSettings(BrokerSettings, HistorySettings):
    """How often it looks, where it listens, where its page searches and links to."""

    redis_timeout_seconds: float = fields.REDIS_TIMEOUT_SECONDS
    circuit_max_depth: int = fields.CIRCUIT_MAX_DEPTH
    memory_admission_percent: float = fields.MEMORY_ADMISSION_PERCENT
    worker_replicas: int = fields.WORKER_REPLICAS
    sweep_interval_seconds: float = Field(5, gt=0, le=60, description="How often the monitor looks for lost tasks.")
    sample_interval_seconds: float = Field(5, gt=0, le=300, description="How often the monitor samples the queues.")
    monitor_host: str = Field("127.0.0.1", description="Address that `python -m monitor` listens on.")
    monitor_port: int = Field(
        8084, ge=1, le=65_535, description="Port of `python -m monitor` (the page and `/metrics`)."
    )
    api_url: ServerAddress = Field(
        "http://127.0.0.1:8080",
        description="Where the page sends what it is told to do with tasks (cancel, replay, submit again), and whose "
        "clock is compared with Redis's: NGINX.",
    )
    api_keys_file: Path | None = fields.API_KEYS_FILE
    rate_limit_per_second: int = fields.RATE_LIMIT_PER_SECOND
    rate_limit_burst: int = fields.RATE_LIMIT_BURST
    nginx_secret: NginxSecret = fields.NGINX_SECRET
    allowed_hosts: str = fields.ALLOWED_HOSTS
    hot_seconds: float = Field(
        600,
        ge=1,
        le=fields.LONGEST_SECONDS,
        description="How long an ended task stays in Redis after it was copied to the history, where a stock Celery "
        "client finds its result; at most `RESULT_TTL_SECONDS`, and less while Redis's memory is short.",
    )
    history_max_mb: int = Field(
        4000,
        ge=1,
        le=1_000_000_000,
        description="Megabytes that SQLite's file may hold: beyond it the oldest tasks are dropped before their time. "
        "PostgreSQL has no such limit.",
    )
    result_ttl_seconds: int = fields.RESULT_TTL_SECONDS
    elasticsearch_url: ServerAddress = fields.ELASTICSEARCH_URL
    elasticsearch_user: str = fields.ELASTICSEARCH_USER
    elasticsearch_password: str = fields.ELASTICSEARCH_PASSWORD
    elasticsearch_ca_file: CertificateFile | None = fields.ELASTICSEARCH_CA_FILE
    kibana_public_url: WebAddress = Field(
        "", description="Kibana as browsers reach it: the journey page links to it, such as `http://localhost:5601`."
    )
    jaeger_public_url: WebAddress = fields.JAEGER_PUBLIC_URL
