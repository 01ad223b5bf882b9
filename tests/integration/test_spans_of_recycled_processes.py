"""A worker process that is replaced after some tasks loses no span, whether spans go to files or to a collector."""

import asyncio
import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from api.queue_service import QueueService
from api.services.callers import ANYONE
from api.services.task_service import TaskService
from api.submission import TaskSubmission
from tests.integration import collector
from tests.integration.span_files import attributes, spans_in
from throughline.ledger import keys
from throughline.settings import ApiSettings
from throughline.telemetry import correlation

TASKS = 40
SMALL = TaskSubmission.model_validate(
    {
        "task_type": "calculate_var",
        "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}], "simulations": 1_000},
    }
)


class Collector:
    """The receiving end of OTLP/HTTP, as small as it can be: keeps (name, attributes) of each span."""

    def __init__(self):
        spans: list[tuple[str, dict[str, str]]] = []
        self.spans = spans

        class Receive(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    for scope in resource.scope_spans:
                        spans.extend((s.name, {a.key: a.value.string_value for a in s.attributes}) for s in scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Receive)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture(params=["lines", "otlp"])
def exported(request, tmp_path):
    """The environment that makes spans go one way, and what has arrived there."""
    if request.param == "lines":
        yield {"SPANS_DIR": str(tmp_path)}, lambda: [(span["name"], attributes(span)) for span in spans_in(tmp_path)]
        return
    collector = Collector()
    yield {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}, lambda: collector.spans
    collector.server.shutdown()
    collector.server.server_close()


async def submit(redis_url, tasks):
    queue = QueueService(ApiSettings(redis_url=redis_url))
    with correlation.bound("ABC-1"):
        task_ids = [(await TaskService(queue).submit(SMALL, ANYONE)).task_id for _ in range(tasks)]
    await queue.close()
    return task_ids


def test_a_collector_that_never_answers_costs_each_replaced_process_a_second(start, redis_url, broker, wait_until):
    with collector.Collector(answers=False).running() as silent:
        task_ids = asyncio.run(submit(redis_url, 3))
        options = ["-A", "worker.app", "worker", "--without-gossip", "--without-mingle"]
        own = {"WORKER_MAX_TASKS_PER_CHILD": "1", "WORKER_CONCURRENCY": "1"}
        start("celery", *options, **own, OTEL_EXPORTER_OTLP_ENDPOINT=silent.url)
        wait_until(lambda: not broker.zcard(keys.OPEN), 60, "every task has ended")
    ends = sorted(float(broker.hget(keys.task(each), "finished_at")) for each in task_ids)
    waits = [later - earlier for earlier, later in itertools.pairwise(ends)]
    assert max(waits) < 4.5  # it was five seconds, and what starting a process takes


@pytest.mark.parametrize("tasks", [10, 5, 1], ids="{} tasks a process".format)
def test_forty_tasks_give_forty_run_spans(exported, start, redis_url, broker, wait_until, tasks):
    environment, arrived = exported

    asyncio.run(submit(redis_url, TASKS))
    options = ["-A", "worker.app", "worker", "--without-gossip", "--without-mingle"]
    small = {"WORKER_MAX_TASKS_PER_CHILD": str(tasks), "WORKER_CONCURRENCY": "2"}
    worker = start("celery", *options, **small, **environment)
    wait_until(lambda: len(list(broker.scan_iter("celery-task-meta-*"))) == TASKS, 60, "every task has a result")
    worker.terminate()
    lines = [json.loads(line) for line in worker.communicate(timeout=20)[0].splitlines() if line.startswith("{")]

    runs = [told for name, told in arrived() if name == "run calculate_var"]
    assert len({run["task_id"] for run in runs}) == len(runs) == TASKS
    assert {told.get("correlation_id") for _, told in arrived()} == {"ABC-1"}
    processes = {line["process.pid"] for line in lines if line.get("event.action") == "task.succeeded"}
    assert len(processes) >= TASKS // tasks
