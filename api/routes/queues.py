"""/api/v1/queues: the current state of the queues, the workers and the circuit breaker."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from api.problems import problems
from api.queue_service import QueueService
from api.routes.authorization import Admin, Reader
from api.routes.why import Why
from throughline.ledger.message import Queue
from throughline.telemetry.logging import event

router = APIRouter(prefix="/api/v1/queues", tags=["queues"])


class QueueView(BaseModel):
    """One queue. `seconds_between_starts` is measured while tasks wait in it; absent before that."""

    queue: Queue
    depth: int
    oldest_age_seconds: float
    seconds_between_starts: float | None = None


class MemoryView(BaseModel):
    """Redis's memory. `full`: new tasks are refused with `MEMORY_FULL`; `limit_bytes` is absent when it has none."""

    state: Literal["free", "full"]
    used_bytes: int
    limit_bytes: int | None = None


class QueuesView(BaseModel):
    queues: list[QueueView]
    depth: int
    in_flight: int
    workers: list[str]
    circuit: Literal["closed", "open", "half_open"]
    memory: MemoryView


@router.get("", response_model_exclude_none=True, responses=problems(401, 403, 503))
async def queues(request: Request, _: Reader) -> QueuesView:
    """Depth and oldest age of each queue, tasks in flight, workers alive, circuit breaker, Redis's memory."""
    sample = await _queue_service(request).sample()
    return QueuesView.model_validate(
        {
            "queues": [
                {
                    "queue": queue,
                    "depth": sample.depth[queue],
                    "oldest_age_seconds": sample.oldest_age[queue],
                    "seconds_between_starts": sample.gaps[queue],
                }
                for queue in Queue
            ],
            "depth": sample.waiting,
            "in_flight": sample.in_flight,
            "workers": sample.workers,
            "circuit": sample.circuit,
            "memory": {
                "state": "full" if sample.memory_full else "free",
                "used_bytes": sample.memory_used,
                "limit_bytes": sample.memory_limit or None,
            },
        }
    )


@router.post("/circuit/close", status_code=204, responses=problems(401, 403, 422, 503))
async def close_circuit(request: Request, caller: Admin, why: Why) -> Response:
    """Closes the circuit breaker before its wait is over, for an operator who knows that the cause is gone."""
    if await _queue_service(request).close_circuit():  # one that is closed stays so, and nothing is to be told
        fields = {"circuit.state": "closed", "caller": caller.name} | ({"why": why} if why else {})
        event("circuit.closed", "The circuit breaker was closed by an operator", fields)
    return Response(status_code=204)


def _queue_service(request: Request) -> QueueService:
    service = request.app.state.queue_service
    assert isinstance(service, QueueService)
    return service
