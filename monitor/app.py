"""The monitor's application: samples, sweeps and archives, answers /metrics and its probe."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response

from monitor import answers, exposition, indices, page, rounds, scaling, version_counts
from monitor.archive import Archive
from monitor.archive_rounds import ArchiveRounds
from monitor.data_watch import DataWatch
from monitor.metrics import Metrics
from monitor.nginx_clocks import NginxClocks
from monitor.page.own_site import guard
from monitor.redis_client import redis_client
from monitor.sweep import Sweep, tell
from monitor.version_look import VersionLook
from throughline import own_site, redis_url
from throughline.api_keys import ApiKeys
from throughline.budgets import Budgets
from throughline.ledger import (
    admission_events,
    clocks,
    deployments,
    queue_sample,
    recent_counts,
    redis_clock,
    scripts,
)
from throughline.ledger.deployments import BEAT_SECONDS
from throughline.ledger.durability import Durability
from throughline.ledger.history import History
from throughline.ledger.scripts import AsyncLedger
from throughline.rate_limit import RateLimit
from throughline.settings import MonitorSettings
from throughline.tasks.registry import registry
from throughline.telemetry import descriptors
from throughline.telemetry import logging as log_lines
from throughline.telemetry.logging import event

_logger = logging.getLogger("throughline.monitor")


def create_app(settings: MonitorSettings) -> FastAPI:
    """The monitor, ready for uvicorn."""
    log_lines.setup("monitor", settings)
    node, version = log_lines.node_name("monitor", settings), settings.service_version
    metrics = Metrics(node, version, settings.worker_replicas, tuple(registry()))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        redis = redis_client(settings)
        sweep, ledger = Sweep(redis), AsyncLedger(redis)
        durability, nginx = Durability(), NginxClocks(settings)
        versions = VersionLook(redis, ledger, settings)
        address = redis_url.without_password(settings.redis_url)
        log_lines.tell_started("monitor", settings)
        history = History(settings.history_address, writes=True)
        archive = Archive(redis, history, settings.hot_seconds)
        archiving = ArchiveRounds(archive, settings.result_ttl_seconds, settings.history_max_mb * 10**6)

        async def look() -> None:
            seen = await queue_sample.take(redis)
            metrics.update(seen, await archive.behind())
            await metrics.examples.look(redis)
            event("queue.sampled", f"{seen.waiting} waiting, {seen.in_flight} in flight", seen.fields())
            await durability.look(redis)
            # Last: a Redis that takes no write is still seen.
            change = await ledger(scripts.look_at_memory(memory_percent=settings.memory_admission_percent))
            admission_events.tell([change] if change else [])

        data_watch = DataWatch(redis, history, redis_url.place(settings.redis_url))

        async def look_at_data() -> None:
            await data_watch.look()
            metrics.data_lost = data_watch.is_told

        async def look_at_versions() -> None:
            metrics.show(await versions(), await clocks.read(redis))

        async def look_at_nginx() -> None:
            await redis_clock.own.look_async(redis)
            if found := await nginx.look():
                await ledger(deployments.present(found))

        async def keep_counts() -> None:
            await ledger(recent_counts.keep())

        async def put_back() -> None:
            tell(await sweep())

        async def put_indices_right() -> None:
            await indices.put_right(redis)
            await version_counts.fold(redis)

        async with redis:
            going = [
                asyncio.create_task(rounds.for_ever(look, settings.sample_interval_seconds, address)),
                asyncio.create_task(rounds.for_ever(look_at_data, settings.sample_interval_seconds)),
                asyncio.create_task(rounds.for_ever(look_at_versions, BEAT_SECONDS)),
                asyncio.create_task(rounds.for_ever(look_at_nginx, BEAT_SECONDS)),
                asyncio.create_task(descriptors.Descriptors().watch()),
                asyncio.create_task(rounds.for_ever(keep_counts, recent_counts.EVERY_SECONDS / 5)),
                asyncio.create_task(rounds.for_ever(put_back, settings.sweep_interval_seconds)),
                asyncio.create_task(rounds.for_ever(put_indices_right, indices.EVERY_SECONDS)),
                asyncio.create_task(archiving.move()),
                asyncio.create_task(archiving.prune()),
            ]
            yield
            await rounds.end(going)
            await nginx.close()
            archive.close()
            history.close()

    app = FastAPI(title="Throughline monitor", lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    _answer(app, settings, metrics)
    return app


def _answer(app: FastAPI, settings: MonitorSettings, metrics: Metrics) -> None:
    """What it is asked for over HTTP, and who may ask."""

    @app.get("/metrics")
    async def prometheus_metrics(request: Request) -> Response:
        asked = exposition.asked_for(",".join(request.headers.getlist("Accept")))
        return Response(metrics.text(asked), headers={"Vary": "Accept"}, media_type=asked.content_type)

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "ok"}

    own, routers = list(app.routes), [scaling.router(settings), page.router(settings)]
    for router in routers:
        app.include_router(router)
    app.middleware("http")(guard(own_site.names(settings.allowed_hosts)))
    _limit(app, settings)
    answers.install(app, [*own, *(route for router in routers for route in router.routes)])


def _limit(app: FastAPI, settings: MonitorSettings) -> None:
    """Where keys are asked for; elsewhere NGINX limits all."""
    keys = ApiKeys(settings.api_keys_file)
    if keys.are_asked_for:
        limits = settings.rate_limit_per_second, settings.rate_limit_burst, settings.nginx_secret
        app.add_middleware(RateLimit, budgets=Budgets(keys, *limits))
