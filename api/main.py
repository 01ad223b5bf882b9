"""Builds the application: settings, log lines, spans, middleware, routes."""

from throughline import quiet_start

# isort: split
import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import Final

from api import instrumentation, problems
from api.errors import Refusal
from api.measurements import Durations
from api.middleware import BodyLimit, RequestContext
from api.openapi import Documented
from api.own_site import OwnSite
from api.presence import Presence
from api.pulse import Pulse
from api.queue_service import QueueService
from api.routes import dead_letters, documentation, health, queues, task_events, task_types, tasks, workers
from api.services.callers import Callers
from api.services.task_service import TaskService
from throughline import own_site
from throughline.budgets import Budgets
from throughline.ledger.history import AsyncHistory, check_at_start
from throughline.rate_limit import RateLimit
from throughline.settings import ApiSettings
from throughline.telemetry import descriptors, logging, tracing
from throughline.web import connection

_LOOK_SECONDS: Final = 10  # between two looks at what Redis promises
_ROUTES: Final = (tasks, task_events, task_types, queues, workers, dead_letters, health, documentation)


def create_app(settings: ApiSettings) -> Documented:
    """One replica, ready for uvicorn."""
    logging.setup("api", settings)
    tracing.setup("api", settings)
    durations = Durations(settings)
    callers = Callers(settings.api_keys_file)
    presence = Presence(logging.node_name("api", settings), settings.service_version)
    pulse = Pulse()
    free = descriptors.Descriptors()

    @asynccontextmanager
    async def lifespan(app: Documented) -> AsyncIterator[None]:
        queue_service = QueueService(settings)
        app.state.queue_service = queue_service
        app.state.callers = callers
        app.state.descriptors = free
        app.state.version = settings.service_version
        history = AsyncHistory(settings.history_address)
        app.state.history = history
        app.state.task_service = TaskService(queue_service, history)
        # Objects made so far live as long as the process: the garbage collector need not examine them again and again.
        gc.collect()
        gc.freeze()
        logging.tell_started("api", settings)
        going = [
            asyncio.create_task(presence.beat(queue_service.present, queue_service.look_at_clock)),
            asyncio.create_task(pulse.beat()),
            asyncio.create_task(_look_at_durability(queue_service)),
            asyncio.create_task(free.watch()),
        ]
        yield
        for each in going:
            each.cancel()
        await queue_service.close()
        await history.close()
        tracing.end(durations.shutdown)

    app = Documented(
        title="Throughline",
        summary="A task queue in which one search shows where each request spent its time.",
        version=version("throughline"),
        lifespan=lifespan,
        # As they are: included ones would have every request look for its route twice. FastAPI's own come after.
        routes=[route for module in _ROUTES for route in module.router.routes],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # to an address that it takes from Host: another path is another resource
        # FastAPI's own looks on every request whether it is wanted; OpenTelemetry's instrumentation is in its place.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.asks_for_keys = settings.api_keys_file is not None
    app.add_middleware(BodyLimit, max_unpacked_bytes=settings.max_unpacked_body_bytes)
    app.add_middleware(OwnSite, allowed=own_site.names(settings.allowed_hosts))
    # Added last: outermost, but for the server span.
    app.add_middleware(RequestContext, version=settings.service_version, presence=presence, pulse=pulse)
    problems.install(app)
    instrumentation.install(app, settings, durations)
    if callers.keys.are_asked_for:
        limits = settings.rate_limit_per_second, settings.rate_limit_burst, settings.nginx_secret
        _limit(app, Budgets(callers.keys, *limits, lambda: presence.replicas))
    return app


async def _look_at_durability(queue: QueueService) -> None:
    while True:
        with suppress(Refusal):  # while Redis is away, nothing is accepted
            await queue.look_at_durability()
            await queue.data_lost_at()
        await asyncio.sleep(_LOOK_SECONDS)


def _limit(app: Documented, budgets: Budgets) -> None:
    """Around the instrumentation too, which is around all middleware."""
    stack = app.build_middleware_stack
    app.build_middleware_stack = lambda: RateLimit(stack(), budgets)  # type: ignore[method-assign]


connection.install()
check_at_start(ApiSettings.load().history_address)
app = create_app(ApiSettings.load())
quiet_start.end()
