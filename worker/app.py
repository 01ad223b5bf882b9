"""The Celery application: its configuration, each line with its reason."""

from throughline import quiet_start

# isort: split
from kombu import Exchange, Queue

from throughline import redis_url
from throughline.ledger import message
from throughline.settings import WorkerSettings
from throughline.tasks.registry import registry
from worker import (
    heartbeat,
    killed_processes,
    liveness,
    lost_processes,
    patches,
    process_down,
    process_start,
    publications,
    shutdown,
    telemetry,
)
from worker.publications import PublishingCelery

settings = WorkerSettings.load()
registry()  # a wrong task ends the worker here, before Celery has begun
redis = redis_url.for_celery(settings.redis_url)
app = PublishingCelery(
    "throughline",
    broker=redis.broker,
    backend=f"worker.results:RecordingBackend+{redis.backend}",
    broker_use_ssl=redis.tls,
    redis_backend_use_ssl=redis.tls,
    include=["worker.tasks"],
    task_cls="worker.claim:ClaimedTask",
)

_visibility = {"visibility_timeout": settings.visibility_timeout_seconds}
_exchange = Exchange("throughline", type="direct")

app.conf.update(
    worker_consumer="worker.consumer:RecordingConsumer",
    # Delivery: a message is acknowledged after its task has run, and goes back to its queue when the process dies.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    # Fairness: a worker holds only what its processes run, so that an urgent task never waits behind a held one.
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    worker_concurrency=settings.worker_concurrency,
    # Queues in strict order.
    task_queues=[Queue(name, _exchange, routing_key=name) for name in message.Queue],
    task_default_queue=message.Queue.MEDIUM,
    task_default_exchange=_exchange.name,
    task_default_routing_key=message.Queue.MEDIUM,
    task_create_missing_queues=False,  # a misspelt queue is an error, not a list that nobody reads
    broker_transport_options=_visibility
    | {
        "queue_order_strategy": "worker.strict_order:StrictOrder",
        "priority_steps": [0],  # one Redis list per queue; the default is four, and LLEN would miss three
        "socket_keepalive": True,
        "socket_connect_timeout": 2,
        "socket_timeout": 15,  # above BRPOP's own second, below for ever
    },
    # A task that has ended while Redis is away waits with its result until its own time limit.
    result_backend_transport_options=_visibility | {"retry_policy": {"max_retries": 100, "interval_max": 1}},
    visibility_timeout=settings.visibility_timeout_seconds,
    # Time limits are the tasks' own: see claim.py.
    worker_max_tasks_per_child=settings.worker_max_tasks_per_child,
    worker_max_memory_per_child=settings.worker_max_memory_mb * 1024,
    # Results. The claim (claim.py) stores that a task has started; it may also find that it must not run.
    task_track_started=False,
    result_expires=settings.result_ttl_seconds,
    redis_socket_connect_timeout=2,
    redis_socket_timeout=5,
    # JSON only: a message can never run code.
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    # Redis may be away for as long as it likes; the default gives up after 100 tries.
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # A task goes on while Redis is away: its result can be stored later. Its message, delivered again, finds it done.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    # Log lines are ours: see telemetry.py.
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
)

patches.install()
shutdown.install(settings)
telemetry.install(settings)
publications.install()
process_down.install()
killed_processes.install()
lost_processes.install()
process_start.install(app)
heartbeat.install(app, settings)
liveness.install(settings)
quiet_start.end()
