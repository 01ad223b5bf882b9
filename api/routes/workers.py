"""/api/v1/workers: each worker's last sign of life, what it runs and ran, its memory, and the latest deaths."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from api.problems import problems
from api.queue_service import QueueService
from api.routes.authorization import Reader
from api.services.callers import Caller, Scope
from throughline.ledger import deaths
from throughline.ledger.states import Status
from throughline.ledger.workers import HeldTask, Workers, WorkerState

router = APIRouter(prefix="/api/v1/workers", tags=["workers"])


class RunningTaskView(BaseModel):
    """A task that a worker runs. Its IDs are for those who may see the task: its own caller, and admins."""

    task_id: str | None = None
    task_type: str
    since: float
    correlation_id: str | None = None


class RanView(BaseModel):
    """How many runs have ended since the worker started; they add up to `total`. `lost_processes` died meanwhile."""

    total: int
    succeeded: int
    failed: int
    retried: int
    cancelled: int
    lost_processes: int


class WorkerView(BaseModel):
    """One worker. Times are seconds since 1970; what a worker of an earlier version does not say is absent."""

    name: str
    alive: bool
    last_seen_at: float
    started_at: float | None = None
    stalled_since: float | None = None
    version: str | None = None
    memory_bytes: int | None = None
    slots: int
    running: list[RunningTaskView]
    ran: RanView


class InterruptedTaskView(BaseModel):
    """A task that was running in what died. Its IDs are for admins: its caller learns it from the task."""

    task_id: str | None = None
    task_type: str | None = None
    correlation_id: str | None = None


class DeathView(BaseModel):
    """A death of a worker or, with `process`, of one of its processes."""

    worker: str
    process: int | None = None
    at: float
    last_seen_at: float | None = None
    cause: str
    code: str
    tasks: list[InterruptedTaskView]


class ClockView(BaseModel):
    """How far the clock of an instance of nginx, api, worker or monitor is ahead of Redis's."""

    service: str
    node: str
    offset_ms: float


class WorkersView(BaseModel):
    """`now` is the time by Redis's clock, by which all the others are. `clocks` are those of all that run."""

    now: float
    workers: list[WorkerView]
    deaths: list[DeathView]
    clocks: list[ClockView]


@router.get("", response_model_exclude_none=True, responses=problems(401, 403, 503))
async def workers(request: Request, caller: Reader) -> WorkersView:
    """All workers that were seen within the last five minutes, and the latest deaths, newest first."""
    service = request.app.state.queue_service
    assert isinstance(service, QueueService)
    return view(await service.workers(), caller)


def view(seen: Workers, caller: Caller) -> WorkersView:
    """What this caller may see of them."""
    return WorkersView(
        now=seen.now,
        workers=[_worker(each, caller) for each in seen.workers],
        deaths=[_death(each, caller) for each in seen.deaths],
        clocks=[
            ClockView(service=each.service, node=each.node, offset_ms=round(each.ahead * 1000, 3))
            for each in seen.clocks
        ],
    )


def _worker(worker: WorkerState, caller: Caller) -> WorkerView:
    runs = worker.runs
    return WorkerView(
        name=worker.name,
        alive=worker.is_alive,
        last_seen_at=worker.last_seen_at,
        started_at=worker.started_at,
        stalled_since=worker.stalled_since,
        version=worker.facts.version or None,
        memory_bytes=worker.facts.total_memory,
        slots=worker.slots,
        running=[_running(task, caller) for task in worker.running],
        ran=RanView(
            total=runs.count(),
            succeeded=runs.count(Status.SUCCESS),
            failed=runs.count(Status.FAILURE),
            retried=runs.count(Status.RETRY),
            cancelled=runs.count(Status.REVOKED),
            lost_processes=runs.lost,
        ),
    )


def _running(task: HeldTask, caller: Caller) -> RunningTaskView:
    sees = caller.may_see(task.caller)
    return RunningTaskView(
        task_id=task.task_id if sees else None,
        task_type=task.task_type,
        since=task.since or 0.0,
        correlation_id=task.correlation_id if sees and task.correlation_id else None,
    )


def _death(death: deaths.Death, caller: Caller) -> DeathView:
    sees = caller.may(Scope.ADMIN)
    return DeathView(
        worker=death.worker,
        process=death.process,
        at=death.at,
        last_seen_at=death.last_seen_at,
        cause=death.cause,
        code=death.code,
        tasks=[
            InterruptedTaskView(
                task_id=task.task_id if sees else None,
                task_type=task.task_type or None,
                correlation_id=task.correlation_id if sees and task.correlation_id else None,
            )
            for task in death.tasks
        ],
    )
