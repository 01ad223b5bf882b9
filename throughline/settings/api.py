"""What a FastAPI replica reads."""

from pathlib import Path

from throughline.settings import fields
from throughline.settings.broker import BrokerSettings
from throughline.settings.history import HistorySettings
from throughline.settings.instrumentation import InstrumentationSettings


class ApiSettings(BrokerSettings, HistorySettings, InstrumentationSettings):
    """Admission, idempotency, who may call, where ended tasks are."""

    redis_timeout_seconds: float = fields.REDIS_TIMEOUT_SECONDS
    circuit_max_depth: int = fields.CIRCUIT_MAX_DEPTH
    circuit_close_depth: int = fields.CIRCUIT_CLOSE_DEPTH
    circuit_open_seconds: float = fields.CIRCUIT_OPEN_SECONDS
    memory_admission_percent: float = fields.MEMORY_ADMISSION_PERCENT
    idempotency_ttl_seconds: int = fields.IDEMPOTENCY_TTL_SECONDS
    result_ttl_seconds: int = fields.RESULT_TTL_SECONDS
    api_keys_file: Path | None = fields.API_KEYS_FILE
