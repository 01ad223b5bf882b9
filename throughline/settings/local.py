"""What a local run reads for itself: `throughline up` and the commands beside it."""

from pathlib import Path

from pydantic import Field

from throughline.settings import fields
from throughline.settings.api import ApiSettings
from throughline.settings.monitor import MonitorSettings
from throughline.settings.nginx import NginxSettings
from throughline.settings.worker import WorkerSettings


class LocalSettings(NginxSettings):
    """Which processes there are, on which ports, and how long their stop may take."""

    http_port: int = Field(
        8080, ge=1, le=65_500, description="NGINX's port of a local run; the other local ports follow it (+1 … +5)."
    )
    api_replicas: int = Field(3, ge=1, le=3, description="FastAPI replicas of a local run.")
    worker_replicas: int = fields.WORKER_REPLICAS
    worker_kill_seconds: int = fields.WORKER_KILL_SECONDS
    var_dir: Path = fields.VAR_DIR
    redis_maxmemory_mb: int = Field(
        400,
        ge=16,
        le=1_048_576,
        description="Memory of the Redis of a local run or of compose, whose container's `mem_limit` must be above it.",
    )


class NineSettings(LocalSettings, ApiSettings, WorkerSettings, MonitorSettings):
    """All that the nine read: `throughline up` checks it before it starts one of them."""
