"""What a FastAPI replica reads."""

from pathlib import Path

from pydantic import Field

from throughline.settings import fields
from throughline.settings.broker import BrokerSettings
from throughline.settings.fields import NginxSecret
from throughline.settings.history import HistorySettings
from throughline.settings.instrumentation import InstrumentationSettings


class ApiSettings(BrokerSettings, HistorySettings, InstrumentationSettings):
    """Admission, idempotency, who may call and with how much, where ended tasks are."""

    redis_timeout_seconds: float = fields.REDIS_TIMEOUT_SECONDS
    circuit_max_depth: int = fields.CIRCUIT_MAX_DEPTH
    circuit_close_depth: int = fields.CIRCUIT_CLOSE_DEPTH
    circuit_open_seconds: float = fields.CIRCUIT_OPEN_SECONDS
    memory_admission_percent: float = fields.MEMORY_ADMISSION_PERCENT
    idempotency_ttl_seconds: int = fields.IDEMPOTENCY_TTL_SECONDS
    result_ttl_seconds: int = fields.RESULT_TTL_SECONDS
    api_keys_file: Path | None = fields.API_KEYS_FILE
    rate_limit_per_second: int = fields.RATE_LIMIT_PER_SECOND
    rate_limit_burst: int = fields.RATE_LIMIT_BURST
    nginx_secret: NginxSecret = fields.NGINX_SECRET
    allowed_hosts: str = fields.ALLOWED_HOSTS
    max_unpacked_body_bytes: int = Field(
        4_194_304,
        ge=1_048_576,
        le=67_108_864,
        description="What a request body that comes as gzip may unpack to; as it is sent, any body has at most 1 MB. A "
        "replica's memory must have room for thirty times as much: 256 MB for the default.",
    )
