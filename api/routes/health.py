"""/health: what this replica depends on, and the two probes."""

import asyncio
from datetime import UTC, datetime
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from api.services import health_service
from api.services.health_service import Health
from throughline.ledger import data_loss

router = APIRouter(prefix="/health", tags=["health"])


class Dependencies(BaseModel):
    """`refuses`: Redis answers, and takes no new tasks. Without the history all but its old tasks are answered."""

    redis: Literal["healthy", "refuses", "unavailable"]
    celery: Literal["healthy", "unavailable"]
    history: Literal["healthy", "unavailable"]


class HealthView(BaseModel):
    """`degraded`: tasks are taken but no worker is there to run them, or Redis has lost data within the last hour.

    `unhealthy`: none can be taken (503). `code` and `reason` say why; `warnings`, what a 201 does not promise.
    """

    status: Literal["healthy", "degraded", "unhealthy"]
    timestamp: datetime
    version: str
    dependencies: Dependencies
    workers: list[str]
    code: str | None = None
    reason: str | None = None
    warnings: list[str] | None = None


class Probe(BaseModel):
    """`code` and `reason`: why the process is not ready; or why no task can be taken though it is, by nobody."""

    status: Literal["ok", "unavailable"]
    code: str | None = None
    reason: str | None = None


@router.get("", response_model_exclude_none=True, responses={503: {"model": HealthView}})
async def health(request: Request, response: Response) -> HealthView:
    """The state of this replica and of what it depends on."""
    queue = request.app.state.queue_service
    found, history_answers, lost_at = await asyncio.gather(
        health_service.check(queue),
        health_service.history_answers(request.app.state.history),
        health_service.data_lost_at(queue),
    )
    if found.status == "unhealthy":
        response.status_code = 503
    return HealthView(
        status="degraded" if lost_at and found.status == "healthy" else found.status,
        timestamp=datetime.now(UTC),
        version=request.app.state.version,
        dependencies=Dependencies(
            redis="unavailable" if not found.redis else "refuses" if found.refuses else "healthy",
            celery="healthy" if found.workers else "unavailable",
            history="healthy" if history_answers else "unavailable",
        ),
        workers=list(found.workers),
        warnings=list(queue.durability.risks) or None,
        **(_why(found) or _lost(lost_at)),
    )


@router.get("/live", response_model_exclude_none=True)
async def live() -> Probe:
    """The process answers."""
    return Probe(status="ok")


@router.get("/ready", response_model_exclude_none=True, responses={503: {"model": Probe}})
async def ready(request: Request, response: Response) -> Probe:
    """The process can do its work: Redis answers, and connections can be opened.

    One that takes no new tasks takes them from no replica: the others would not do better, and all can still answer.
    """
    if request.app.state.descriptors.are_short:
        response.status_code = 503
        return Probe(status="unavailable", code="DESCRIPTORS_SHORT", reason="Hardly any file descriptor is left.")
    found = await health_service.check(request.app.state.queue_service)
    if found.redis:
        return Probe(status="ok", **_why(found))
    response.status_code = 503
    return Probe(status="unavailable")


def _lost(lost_at: float | None) -> dict[str, str]:
    if not lost_at:
        return {}
    known = f"Those that are known: GET /api/v1/tasks?error_type={data_loss.ERROR}"
    return {"code": "REDIS_DATA_LOST", "reason": f"{data_loss.in_words(lost_at)}. {known}"}


def _why(found: Health) -> dict[str, str]:
    if found.refuses is None:
        return {}
    return {"code": found.refuses.upper(), "reason": f"No task can be taken: {found.refuses.words}."}
