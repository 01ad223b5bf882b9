"""/health: what this replica depends on, and the two probes."""

from datetime import UTC, datetime
from importlib.metadata import version
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from api.services import health_service

router = APIRouter(prefix="/health", tags=["health"])

_VERSION = version("throughline")


class Dependencies(BaseModel):
    redis: Literal["healthy", "unavailable"]
    celery: Literal["healthy", "unavailable"]


class HealthView(BaseModel):
    """`degraded`: tasks are taken but no worker is there to run them. `unhealthy`: none can be taken (503)."""

    status: Literal["healthy", "degraded", "unhealthy"]
    timestamp: datetime
    version: str
    dependencies: Dependencies
    workers: list[str]


class Probe(BaseModel):
    status: Literal["ok", "unavailable"]


@router.get("", responses={503: {"model": HealthView}})
async def health(request: Request, response: Response) -> HealthView:
    """The state of this replica and of what it depends on."""
    found = await health_service.check(request.app.state.queue_service)
    if not found.redis:
        response.status_code = 503
    return HealthView(
        status=found.status,
        timestamp=datetime.now(UTC),
        version=_VERSION,
        dependencies=Dependencies(
            redis="healthy" if found.redis else "unavailable",
            celery="healthy" if found.workers else "unavailable",
        ),
        workers=list(found.workers),
    )


@router.get("/live")
async def live() -> Probe:
    """The process answers."""
    return Probe(status="ok")


@router.get("/ready", responses={503: {"model": Probe}})
async def ready(request: Request, response: Response) -> Probe:
    """The process can take tasks: Redis answers."""
    found = await health_service.check(request.app.state.queue_service)
    if found.redis:
        return Probe(status="ok")
    response.status_code = 503
    return Probe(status="unavailable")
