"""Every panel shows what happened: asked of Elasticsearch as Kibana asks, over lines and spans that the stack wrote.

Kibana itself does not run here. What it makes of a Lens panel is in panels.py; the unit tests hold the files together.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import httpx
import pytest
from redis import Redis

from tests.saved_objects import Saved, of_type, one
from tests.stack.load import TASK
from tests.stack.panels import Looking, Row
from tests.stack.searching import all_done, spans_by_name
from tests.stack.stack import Stack
from throughline.journey.elasticsearch_client import Client

Wait = Callable[..., Any]
WAITING = {"high": 6, "medium": 4, "low": 3}
REFUSED = 3
FAILING: dict[str, Any] = {
    "task_type": "portfolio_optimization",
    "data": {
        "assets": [
            {"symbol": "A", "expected_return": 0.1, "volatility": 0.2},
            {"symbol": "B", "expected_return": 0.12, "volatility": 0.25},
        ],
        "correlations": [[1.0, 0.3], [0.3, 1.0]],
        "objective": "target_return",
        "target_return": 0.9,  # more than any asset has
    },
}
LONG: dict[str, Any] = {
    "task_type": "calculate_var",
    "data": {
        "positions": [{"symbol": f"S{i}", "quantity": 1, "price": 100.0} for i in range(50)],
        "distribution": "lognormal",
        "simulations": 10_000_000,
    },
}
# Written by the worker's own logging: what needs hours or a killed process to come about by itself.
SELDOM = """
from throughline.settings import ProcessSettings
from throughline.telemetry import correlation, logging
from opentelemetry.sdk.trace import TracerProvider
logging.setup("worker", ProcessSettings())
span = TracerProvider().get_tracer("test").start_as_current_span("never sent")
with span, correlation.bound("{prefix}-seldom", "none"):
    run = {{"task_type": "stress_test", "queue": "low", "worker": "worker-1", "attempt": 1, "duration_ms": 12.5}}
    lost = {{"error.type": "ConnectionError", "error.message": "lost", "status": "RETRY"}}
    given_up = {{"error.message": "three deliveries", "attempt": 3, "status": "FAILURE", "reason": "deliveries"}}
    logging.event("task.retried", "again", run | lost)
    logging.event("task.retried", "again", run | lost | {{"attempt": 2}})
    logging.event("task.dead_lettered", "no more", run | given_up)
    logging.event("task.put_back", "found nowhere")
    logging.event("worker.stalled", "takes nothing")
"""


@dataclass
class Happened:
    """What was done to the stack, and when (milliseconds)."""

    prefix: str
    since: int
    until: int = 0
    sent: Counter[str] = field(default_factory=Counter)  # task type → accepted
    tasks: dict[str, str] = field(default_factory=dict)  # correlation ID → task
    moments: list[int] = field(default_factory=list)  # when tasks waited without workers; when a long task ran
    requests: int = 0
    slowest_seconds: float = 0.0

    @property
    def succeeded(self) -> Counter[str]:
        """All but two that failed and one that was cancelled."""
        return self.sent - Counter({FAILING["task_type"]: 2, LONG["task_type"]: 1})

    def post(self, client: httpx.Client, body: Any, **more: str) -> int:
        correlation_id, began = f"{self.prefix}-{self.requests}", time.monotonic()
        answer = client.post("/api/v1/tasks", json=body | more, headers={"X-Request-ID": correlation_id})
        self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)
        self.requests += 1
        if answer.status_code == 201:
            self.sent[body["task_type"]] += 1
            self.tasks[correlation_id] = answer.json()["task_id"]
        return answer.status_code


@pytest.fixture(scope="module")
def happened(stack: Stack, wait_until: Wait) -> Happened:
    """Tasks that had to wait for workers, one task of each type, failing ones, an open circuit breaker, retries."""
    found = Happened(f"DASH-{time.time_ns()}", _now())
    with stack.http() as client:
        _tasks_wait(stack, client, found, wait_until)
        assert client.get("/health").status_code == client.get("/").status_code == 200
        for kind in client.get("/api/v1/task-types").json()["task_types"]:
            assert found.post(client, kind["example"]) == 201
        assert [found.post(client, FAILING) for _ in range(2)] == [201, 201]
        assert found.post(client, {"task_type": "crystal_ball"}) == 422
        _a_long_task_is_cancelled(stack, client, found, wait_until)
        _circuit_breaker_opens(stack, client, found, wait_until)
    wait_until(lambda: _ended(stack, found) == found.sent.total(), 60, "every task has ended")
    program = SELDOM.format(prefix=found.prefix)
    stack.docker(
        "exec",
        stack.container("worker-1"),
        "sh",
        "-c",
        f"python /app/node_name.py python -c '{program}' > /proc/1/fd/1",
    )
    found.until = _now() + 1000
    wait_until(lambda: _all_is_there(stack, found), 30, "the last lines and spans are in Elasticsearch")
    return found


def _now() -> int:
    return time.time_ns() // 1_000_000


def _tasks_wait(stack: Stack, client: httpx.Client, found: Happened, wait_until: Wait) -> None:
    stack.compose("stop", "worker")
    for priority, many in WAITING.items():
        assert [found.post(client, TASK, priority=priority) for _ in range(many)] == [201] * many
    seen = {"queue.depth.total": sum(WAITING.values()), "workers.alive": 0}

    def are_waiting() -> bool:
        sample = _last_sample(stack)
        return seen.items() <= sample.items() and sample["queue.oldest_age_seconds"] > 5

    wait_until(are_waiting, 40, "a sample of tasks that have waited for more than five seconds, without workers")
    found.moments.append(_now())
    stack.compose("start", "worker")
    wait_until(lambda: all_done(stack, found.tasks.values()), 60, "the waiting tasks are done")


def _last_sample(stack: Stack) -> dict[str, Any]:
    samples = [line for line in stack.printed("monitor") if line.get("event.action") == "queue.sampled"]
    return samples[-1] if samples else {}


def _a_long_task_is_cancelled(stack: Stack, client: httpx.Client, found: Happened, wait_until: Wait) -> None:
    assert found.post(client, LONG) == 201
    wait_until(lambda: _last_sample(stack)["tasks.in_flight"] == 1, 20, "a sample of the task that runs")
    found.moments.append(_now())
    assert client.delete(f"/api/v1/tasks/{list(found.tasks.values())[-1]}").status_code < 300


def _circuit_breaker_opens(stack: Stack, client: httpx.Client, found: Happened, wait_until: Wait) -> None:
    """By its state in Redis, not by its depth: the stack's other tests need a depth that they never reach."""
    seconds, microseconds = 0, 0
    with Redis(port=stack.ports["REDIS"], password=stack.secret("REDIS_PASSWORD"), socket_timeout=5) as redis:
        seconds, microseconds = redis.time()
        redis.hset("tl:breaker", mapping={"state": "open", "wait": 7, "until": f"{seconds + 7}.{microseconds:06}"})
    assert [found.post(client, TASK) for _ in range(REFUSED)] == [503] * REFUSED
    wait_until(lambda: _last_sample(stack)["circuit.state"] == "open", 20, "a sample of the open circuit breaker")
    wait_until(lambda: _last_sample(stack)["circuit.state"] == "half_open", 20, "its wait is over")
    assert found.post(client, TASK) == 201
    wait_until(lambda: _last_sample(stack)["circuit.state"] == "closed", 20, "a sample of the closed circuit breaker")


def _ended(stack: Stack, found: Happened) -> int:
    with stack.http() as client:
        asked = (client.get(f"/api/v1/tasks/{task}").json()["status"] for task in found.tasks.values())
        return sum(status in {"SUCCESS", "FAILURE", "REVOKED"} for status in asked)


def _all_is_there(stack: Stack, found: Happened) -> bool:
    """Asked without the panels, which are what is tested."""
    with stack.reader() as client:
        lines = [_count(client, found, service, action) for service, action in WRITTEN_LAST]
    spans = spans_by_name(stack, found.prefix)
    return (
        lines == [found.requests, found.succeeded.total(), 1]
        and spans["nginx"] == found.requests
        and spans["contributions"] == found.succeeded["calculate_var"]
    )


def _count(client: Client, found: Happened, service: str, action: str) -> int:
    wanted = [{"prefix": {"correlation_id": f"{found.prefix}-"}}]
    wanted += [{"term": {name: value}} for name, value in {"service.name": service, "event.action": action}.items()]
    answer = client.ask("POST", "/logs-throughline-*/_count", {"query": {"bool": {"filter": wanted}}})
    return int(answer["count"])


WRITTEN_LAST = (("nginx", "request.completed"), ("worker", "task.succeeded"), ("worker", "worker.stalled"))
STEPS = {
    *("nginx", "api", "publish high", "wait high", "run calculate_var"),
    *("validate", "correlate", "simulate", "draw", "reprice", "quantile", "contributions"),
}


@pytest.fixture
def reader(stack: Stack) -> Iterator[Client]:
    with stack.reader() as client:
        yield client


@pytest.fixture
def all_of_it(reader: Client, happened: Happened) -> Looking:
    """Nothing in the query bar: probes and other people's requests are there too."""
    return Looking(reader, happened.since, happened.until)


@pytest.fixture
def at_all_times(reader: Client, happened: Happened) -> list[Looking]:
    """Afterwards, and in between: the newest sample is another one each time."""
    return [Looking(reader, happened.since, moment) for moment in (happened.until, *happened.moments)]


@pytest.fixture
def ours(reader: Client, happened: Happened) -> Looking:
    return Looking(reader, happened.since, happened.until, f"correlation_id : {happened.prefix}-*")


@pytest.fixture
def one_journey(reader: Client, happened: Happened) -> Looking:
    """As a link to the journey page fills the query bar."""
    return Looking(reader, happened.since, happened.until, f'correlation_id:"{happened.prefix}-0"')


def lens(name: str) -> Saved:
    return one("lens", f"throughline-{name}")


def title_of(saved: Saved) -> str:
    return saved.id


def summed(rows: list[Row], by: str, measure: str) -> dict[str, float]:
    found: Counter[str] = Counter()
    for row in rows:
        found[row[by]] += row[measure]
    return {name: value for name, value in found.items() if value}


# ── All panels


@pytest.mark.parametrize("panel", of_type("lens"), ids=title_of)
def test_a_panel_shows_something(at_all_times: list[Looking], panel: Saved):
    measures = [name for name, column in panel.layers["layer"]["columns"].items() if not column["isBucketed"]]
    rows = [row for looking in at_all_times for row in looking.rows(panel, "5s")]
    assert measures
    for name in measures:
        assert any(row[name] for row in rows), name


@pytest.mark.parametrize("search", of_type("search"), ids=title_of)
def test_a_search_finds_documents_with_all_its_columns_in_its_order(all_of_it: Looking, search: Saved):
    hits = all_of_it.hits(search)
    shown = {name for hit in hits for name in hit}
    assert shown >= set(search.attributes["columns"])
    ((by, direction),) = search.attributes["sort"]
    values = [hit[by][0] for hit in hits]
    assert values == sorted(values, reverse=direction == "desc")


@pytest.mark.parametrize("view", of_type("index-pattern"), ids=title_of)
def test_every_field_that_is_named_is_in_the_indices(reader: Client, happened: Happened, view: Saved):
    named = {
        name for saved in (*of_type("lens"), *of_type("search")) for name in saved.fields() if saved.data_view == view
    }
    named |= Saved.parsed(view.attributes["fieldFormatMap"]).keys() | {view.attributes["timeFieldName"]}
    body = {"runtime_mappings": view.runtime}
    found = reader.ask("POST", f"/{view.title}/_field_caps?fields=*", body)["fields"]
    assert named - {"___records___"} <= found.keys()
    assert set(found["@timestamp"]) == {"date"}


# ── Overview


def test_requests_and_errors_are_those_that_were_sent(ours: Looking, happened: Happened):
    assert ours.value(lens("requests-now")) == happened.requests
    assert sum(row["rate"] for row in ours.rows(lens("request-rate"), "10s")) == happened.requests
    assert ours.value(lens("errors-now")) == pytest.approx(REFUSED / happened.requests)
    assert max(row["rate"] or 0 for row in ours.rows(lens("error-rate"), "1s")) > 0.05  # above its line


def test_what_failed_is_told_by_the_version_that_answered(ours: Looking):
    failed = summed(ours.rows(lens("errors-by-version"), "1d"), "version", "failed")
    assert failed == {version("throughline"): REFUSED}
    services = {(row["service"], row["version"]) for row in ours.rows(lens("versions"))}
    assert services == {(service, version("throughline")) for service in ("nginx", "api", "worker")}


def test_latency_is_that_of_the_requests(ours: Looking, happened: Happened):
    slowest_first = [hit["duration_ms"][0] for hit in ours.hits(one("search", "throughline-slowest-requests"))]
    middle = len(slowest_first) // 2
    (at_nginx,) = [row for row in ours.rows(lens("latency-nginx"), "1d") if row["p50"] is not None]
    assert slowest_first[middle + 1] <= at_nginx["p50"] <= slowest_first[middle - 1]
    assert at_nginx["p50"] < at_nginx["p95"] <= at_nginx["p99"] <= slowest_first[0]
    (at_api,) = [row for row in ours.rows(lens("latency-api"), "1d") if row["p50"] is not None]
    assert 0 < at_api["p50"] < at_api["p95"] <= at_api["p99"] < happened.slowest_seconds * 1000 + 500


def test_probes_and_pages_are_not_counted_as_requests(all_of_it: Looking):
    paths = {hit["url.path"][0] for hit in all_of_it.hits(one("search", "throughline-slowest-requests"))}
    assert "/api/v1/tasks" in paths
    assert not [path for path in paths if not path.startswith("/api/")]


def test_queues_and_workers_are_those_of_the_time_without_workers(all_of_it: Looking, at_all_times: list[Looking]):
    depth = all_of_it.rows(lens("queue-depth"), "1d")
    assert {name: max(row[name] or 0 for row in depth) for name in WAITING} == WAITING
    assert {row["alive"] for row in all_of_it.rows(lens("workers-alive"), "1s")} >= {0, 3}
    assert 0 in {row["alive"] for row in all_of_it.rows(lens("workers-alive"), "1d")}  # the worst of a long interval
    assert max(row["age"] or 0 for row in all_of_it.rows(lens("oldest-age"), "1d")) > 5
    assert all_of_it.value(lens("workers-now")) == 3
    assert all_of_it.value(lens("waiting-now")) == 0
    assert max(row["in_flight"] or 0 for row in all_of_it.rows(lens("in-flight"), "1d")) >= 1
    while_waiting, while_running = at_all_times[1:]
    assert (while_waiting.value(lens("waiting-now")), while_waiting.value(lens("workers-now"))) == (13, 0)
    assert while_running.value(lens("in-flight-now")) == 1


def test_tasks_waited_longer_than_they_ran(ours: Looking):
    rows = [row for row in ours.rows(lens("wait-and-run"), "1d") if row["wait-p50"] is not None]
    assert max(row["wait-p95"] for row in rows) > 5000 > max(row["run-p95"] for row in rows)


def test_the_circuit_breaker_went_through_its_states(all_of_it: Looking):
    states = summed(all_of_it.rows(lens("circuit-state"), "1d"), "state", "samples")
    assert states.keys() == {"closed", "open", "half_open"}
    changes = summed(all_of_it.rows(lens("circuit-changes"), "1d"), "change", "changes")
    assert changes == {"circuit.half_opened": 1, "circuit.closed": 1}
    assert all_of_it.value(lens("circuit-now")) == "closed"


def test_throughput_is_the_tasks_that_were_sent(ours: Looking, happened: Happened):
    assert summed(ours.rows(lens("throughput"), "1d"), "type", "done") == happened.succeeded


def test_top_errors_name_the_problem_the_service_and_the_latest_correlation_id(ours: Looking, happened: Happened):
    errors = {(row["problem"], row["service"]): row for row in ours.rows(lens("top-errors"))}
    assert errors["CIRCUIT_OPEN", "api"]["count"] == REFUSED
    assert not [problem for problem, service in errors if service == "nginx"], "the api's own lines say more"
    assert errors["VALIDATION_FAILED", "api"]["count"] == 1
    assert errors["NotCalculable", "worker"]["count"] == 2
    assert errors["NotCalculable", "worker"]["last"] in happened.tasks
    assert errors["ConnectionError", "worker"]["count"] == 2
    assert errors["deliveries", "worker"]["count"] == 1
    counts = [row["count"] for row in errors.values()]
    assert counts[0] == max(counts)


def test_a_slow_request_leads_to_its_trace_and_its_task(ours: Looking, stack: Stack):
    slowest = ours.hits(one("search", "throughline-slowest-requests"))[0]
    formats = Saved.parsed(one("index-pattern", "throughline-logs").attributes["fieldFormatMap"])
    page = formats["trace.id"]["params"]["urlTemplate"].replace("{{value}}", slowest["trace.id"][0])
    trace = page.removeprefix("http://localhost:16686/trace/")
    answer = httpx.get(f"{stack.url('JAEGER')}/api/traces/{trace}", timeout=10, trust_env=False).json()
    tags = {tag["key"]: tag["value"] for tag in answer["data"][0]["spans"][0]["tags"]}
    assert tags["correlation_id"] == slowest["correlation_id"][0]


def test_a_task_id_leads_to_the_task(ours: Looking, stack: Stack):
    formats = Saved.parsed(one("index-pattern", "throughline-logs").attributes["fieldFormatMap"])
    link = formats["task_id"]["params"]["urlTemplate"]
    lines = [hit for hit in ours.hits(one("search", "throughline-lines-in-order")) if "task_id" in hit]
    task = lines[0]["task_id"][0]
    with stack.http() as client:
        answer = client.get(link.replace("{{value}}", task).removeprefix("http://localhost")).json()
    assert answer["correlation_id"].startswith("DASH-")
    assert answer["task_id"] == task


# ── Workers and tasks


def test_figures_of_tasks_are_what_happened(ours: Looking, happened: Happened):
    shown = {name: ours.value(lens(f"{name}-count")) for name in ("succeeded", "failed", "retried", "dead")}
    assert shown == {"succeeded": happened.succeeded.total(), "failed": 3, "retried": 2, "dead": 1}
    assert ours.value(lens("put-back-count")) == ours.value(lens("stalled-count")) == 1


def test_the_load_is_shared_out_among_the_workers(ours: Looking, happened: Happened):
    runs = happened.sent.total() + 3  # those written by the worker's logging only
    workers = ours.rows(lens("per-worker"))
    assert {row["worker"] for row in workers} <= {"worker-1", "worker-2", "worker-3"}
    assert sum(row["runs"] for row in workers) == runs
    assert sum(row["succeeded"] for row in workers) == happened.succeeded.total()
    assert sum(row["failed"] for row in workers) == 3
    assert sum(row["cancelled"] for row in workers) == 1
    for row in workers:
        assert row["runs"] == row["succeeded"] + row["failed"] + row["retried"] + row["cancelled"]
    assert sum(row["retried"] for row in workers) == 2
    by_worker = summed(ours.rows(lens("worker-runs"), "1d"), "worker", "runs")
    assert by_worker == {row["worker"]: row["runs"] for row in workers}
    busy = summed(ours.rows(lens("worker-busy"), "1d"), "worker", "busy")
    assert busy == pytest.approx({row["worker"]: row["busy"] for row in workers})


def test_run_times_are_those_of_the_log_lines(ours: Looking, happened: Happened):
    cells = ours.rows(lens("duration-by-type"))
    types = happened.sent + Counter({"stress_test": 3})
    assert summed(cells, "type", "runs") == types
    seldom = [row for row in cells if row["type"] == "stress_test" and row["duration"] == "30 ms"]
    assert sum(row["runs"] for row in seldom) >= 3  # 12.5 ms each
    assert {row["type"] for row in ours.rows(lens("duration-p95"), "1d")} == types.keys()


def test_failures_and_retries_have_their_error_types(ours: Looking):
    assert ours.rows(lens("failures")) == [
        {"error": "NotCalculable", "type": "portfolio_optimization", "failures": 2},
        {"error": "deliveries", "type": "stress_test", "failures": 1},
    ]
    assert summed(ours.rows(lens("retries"), "1d"), "error", "retries") == {"ConnectionError": 2}


def test_a_dead_letter_says_why(ours: Looking):
    (letter,) = ours.hits(one("search", "throughline-dead-letters"))
    assert letter["error.message"] == ["three deliveries"]
    assert letter["attempt"] == [3]


# ── Journey


def test_a_journeys_totals_are_those_of_its_task(one_journey: Looking, happened: Happened, stack: Stack):
    with stack.http() as client:
        task = client.get(f"/api/v1/tasks/{happened.tasks[happened.prefix + '-0']}").json()
    assert one_journey.value(lens("journey-tasks")) == 1
    assert one_journey.value(lens("journey-attempts")) == 1
    assert one_journey.value(lens("journey-errors")) == 0
    # The task's own times are between states as Redis saw them, those of the lines between steps of the worker: a busy
    # process takes some time from one to the other, at its start and at its end.
    assert one_journey.value(lens("journey-waited")) == pytest.approx(task["queue_wait_ms"], rel=0.1)
    lines = one_journey.hits(one("search", "throughline-lines-in-order"))
    (ended,) = [line for line in lines if line["event.action"] == ["task.succeeded"]]
    assert [one_journey.value(lens("journey-ran"))] == pytest.approx(ended["duration_ms"])
    assert one_journey.value(lens("journey-ran")) == pytest.approx(task["run_ms"], abs=50)
    assert 0 < one_journey.value(lens("journey-answered")) <= happened.slowest_seconds * 1000


def test_the_waterfall_has_every_step_from_nginx_to_the_phases(one_journey: Looking):
    hits = one_journey.vega(one("visualization", "throughline-journey-waterfall"))["hits"]["hits"]
    spans = [hit["_source"] for hit in hits]
    assert {span["operationName"] for span in spans} == STEPS
    assert len(spans) == len(STEPS)
    assert {span["process"]["serviceName"] for span in spans} == {"nginx", "api", "worker"}
    assert len({span["traceID"] for span in spans}) == 1
    waited = next(span for span in spans if span["operationName"] == "wait high")
    assert waited["duration"] / 1000 == pytest.approx(one_journey.value(lens("journey-waited")), abs=50)


def test_a_journeys_lines_are_in_order(one_journey: Looking):
    lines = one_journey.hits(one("search", "throughline-lines-in-order"))
    times = [hit["@timestamp"][0] for hit in lines]
    assert times == sorted(times)
    actions = [
        hit["event.action"][0] for hit in lines
    ]  # of one millisecond in any order: what is ten seconds apart counts
    assert actions.index("task.submitted") < actions.index("task.started") < actions.index("task.succeeded")


def test_one_search_finds_lines_and_spans(one_journey: Looking):
    hits = one_journey.hits(one("search", "throughline-by-correlation-id"))
    steps = [hit["step"][0] for hit in hits]
    assert set(steps) >= STEPS
    assert [step for step in steps if step.startswith("Accepted calculate_var")]
    for column in ("service.name", "service.node.name", "took_ms"):
        assert sum(column in hit for hit in hits) > len(STEPS), column
    assert len({hit["trace.id"][0] for hit in hits}) == 1
