"""What a worker reads."""

from pathlib import Path

from pydantic import Field

from throughline.settings import fields
from throughline.settings.broker import BrokerSettings


class WorkerSettings(BrokerSettings):
    """Its processes, the limits of a task, deliveries and retries, how it stops."""

    # A running task submits others by the same rules as the api.
    circuit_max_depth: int = fields.CIRCUIT_MAX_DEPTH
    circuit_close_depth: int = fields.CIRCUIT_CLOSE_DEPTH
    circuit_open_seconds: float = fields.CIRCUIT_OPEN_SECONDS
    memory_admission_percent: float = fields.MEMORY_ADMISSION_PERCENT
    idempotency_ttl_seconds: int = fields.IDEMPOTENCY_TTL_SECONDS
    result_ttl_seconds: int = fields.RESULT_TTL_SECONDS
    worker_concurrency: int = Field(4, ge=1, le=64, description="Processes of one worker.")
    worker_max_tasks_per_child: int = Field(
        2_000, ge=1, description="Tasks after which a worker process is replaced by a fresh one."
    )
    worker_max_memory_mb: int = Field(
        1024, ge=64, description="Memory at which a worker process is replaced after its task."
    )
    task_soft_time_limit_seconds: int = Field(
        90, ge=1, le=86_399, description="Run time at which a task is asked to stop."
    )
    task_time_limit_seconds: int = Field(
        120, ge=2, le=86_400, description="Run time at which a task's process is killed."
    )
    visibility_timeout_seconds: int = Field(
        180,
        ge=3,
        le=604_800,
        description="Time after which an unacknowledged task is delivered again; above the time limit.",
    )
    max_deliveries: int = Field(
        3, ge=1, le=100, description="Deliveries after which a task whose process was lost each time is a dead letter."
    )
    task_max_retries: int = Field(3, ge=0, le=100, description="Retries of a task after temporary errors.")
    task_retry_seconds: float = Field(
        60, gt=0, le=86_400, description="Wait before such a retry, give or take a fifth by chance."
    )
    worker_shutdown_seconds: float = Field(
        25,
        gt=0,
        le=3595,
        description="How long a worker that is told to stop may finish its tasks; then they go back.",
    )
    worker_kill_seconds: int = fields.WORKER_KILL_SECONDS
    probes_dir: Path | None = Field(
        None,
        description="Folder of two files for the probes of Docker and Kubernetes: `alive` is touched every five "
        "seconds, `ready` is made when the worker first takes tasks. Default: none.",
    )
