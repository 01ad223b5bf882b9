"""What a FastAPI replica reads."""

from pathlib import Path

from pydantic import Field

from throughline.settings import fields
from throughline.settings.broker import BrokerSettings


class ApiSettings(BrokerSettings):
    """Admission, idempotency, who may call."""

    redis_timeout_seconds: float = fields.REDIS_TIMEOUT_SECONDS
    circuit_max_depth: int = fields.CIRCUIT_MAX_DEPTH
    circuit_close_depth: int = Field(
        400, ge=0, description="Waiting tasks at or below which a half-open circuit breaker closes."
    )
    circuit_open_seconds: float = Field(60, gt=0, le=600, description="First wait of an open circuit breaker.")
    idempotency_ttl_seconds: int = Field(300, ge=1, description="How long an `Idempotency-Key` is remembered.")
    result_ttl_seconds: int = fields.RESULT_TTL_SECONDS
    api_keys_file: Path | None = fields.API_KEYS_FILE
