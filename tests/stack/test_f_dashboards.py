"""Every panel shows what happened: asked of Elasticsearch as Kibana asks, over lines and spans that the stack wrote.

Kibana itself does not run here. What it makes of a Lens panel is in panels.py; the unit tests hold the files together.
"""

from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version

import pytest

from tests import plain_http
from tests.saved_objects import Saved, of_type, one
from tests.stack.mix import REFUSED, WAITING, Happened
from tests.stack.panels import Looking, Row
from tests.stack.stack import Stack
from throughline.journey.elasticsearch_client import Client

STEPS = {
    *("nginx", "api", "publish high", "wait high", "take high", "run calculate_var"),
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
    assert services == {(service, version("throughline")) for service in ("nginx", "api", "worker", "monitor")}


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
    assert summed(ours.rows(lens("throughput"), "1d"), "type", "done") == happened.ended("SUCCESS")


def test_top_errors_name_the_problem_the_service_and_the_latest_correlation_id(ours: Looking, happened: Happened):
    errors = {(row["problem"], row["service"]): row for row in ours.rows(lens("top-errors"))}
    assert errors["CIRCUIT_OPEN", "api"]["count"] == REFUSED
    assert not [problem for problem, service in errors if service == "nginx"], "the api's own lines say more"
    assert errors["VALIDATION_FAILED", "api"]["count"] == errors["MALFORMED_JSON", "api"]["count"] == 1
    assert errors["NotCalculable", "worker"]["count"] == 2
    assert errors["NotCalculable", "worker"]["last"] in happened.accepted
    assert errors["TemporaryError", "worker"]["count"] == 3
    assert errors["SoftTimeLimitExceeded", "worker"]["count"] == 1
    counts = [row["count"] for row in errors.values()]
    assert counts[0] == max(counts)


def test_a_slow_request_leads_to_its_trace_and_its_task(ours: Looking, stack: Stack):
    slowest = ours.hits(one("search", "throughline-slowest-requests"))[0]
    formats = Saved.parsed(one("index-pattern", "throughline-logs").attributes["fieldFormatMap"])
    page = formats["trace.id"]["params"]["urlTemplate"].replace("{{value}}", slowest["trace.id"][0])
    trace = page.removeprefix("http://localhost:16686/trace/")
    answer = plain_http.get(f"{stack.url('JAEGER')}/api/traces/{trace}").json()
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
    ends = ("SUCCESS", "FAILURE", "RETRY")
    assert shown == dict(zip(shown, [*map(happened.outcomes, ends), 1], strict=True))
    assert ours.value(lens("put-back-count")) == ours.value(lens("stalled-count")) == 1


def test_the_load_is_shared_out_among_the_workers_and_its_parts_add_up(ours: Looking, happened: Happened):
    shown = {row["worker"]: row for row in ours.rows(lens("per-worker"))}
    ran = Counter(attempt["worker"] for _, attempt in happened.attempts)
    assert {worker: row["runs"] for worker, row in shown.items()} == ran
    parts = {"succeeded": "SUCCESS", "failed": "FAILURE", "retried": "RETRY", "cancelled": "REVOKED"}
    for worker, row in shown.items():
        own = Counter(attempt["outcome"] for _, attempt in happened.attempts if attempt["worker"] == worker)
        assert {name: row[name] for name in parts} == {name: own[outcome] for name, outcome in parts.items()}, worker
        assert sum(row[name] for name in parts) == row["runs"]
        run_ms = [attempt["run_ms"] for _, attempt in happened.attempts if attempt["worker"] == worker]
        assert row["busy"] == pytest.approx(sum(run_ms), abs=1)
        assert row["longest"] == pytest.approx(max(run_ms), abs=0.01)
    assert summed(ours.rows(lens("worker-runs"), "1d"), "worker", "runs") == ran
    busy = summed(ours.rows(lens("worker-busy"), "1d"), "worker", "busy")
    assert busy == pytest.approx({worker: row["busy"] for worker, row in shown.items()})


def test_run_times_are_those_of_the_api(ours: Looking, happened: Happened):
    cells = ours.rows(lens("duration-by-type"))
    assert summed(cells, "type", "runs") == Counter(task["task_type"] for task, _ in happened.attempts)
    long = sum(attempt["run_ms"] >= 10_000 for _, attempt in happened.attempts)
    assert sum(row["runs"] for row in cells if row["duration"] in {"30 s", "> 30 s"}) == long > 0
    assert {row["type"] for row in ours.rows(lens("duration-p95"), "1d")} == {kind for kind, _ in happened.runs}


def test_failures_and_retries_have_their_error_types(ours: Looking, happened: Happened):
    shown = {(row["error"], row["type"]): row["failures"] for row in ours.rows(lens("failures"))}
    failed = [task for task in happened.tasks if task["status"] == "FAILURE"]
    assert shown == Counter((task["error"]["type"], task["task_type"]) for task in failed)
    retries = summed(ours.rows(lens("retries"), "1d"), "error", "retries")
    assert sum(retries.values()) == happened.outcomes("RETRY")
    assert retries["TemporaryError"] == 2


def test_a_dead_letter_says_why(ours: Looking):
    (letter,) = ours.hits(one("search", "throughline-dead-letters"))
    assert letter["error.message"] == ["Attempt 2 falls."]
    assert letter["attempt"] == [2]


# ── Journey


@pytest.mark.parametrize("what", ["process", "worker", ""])
def test_a_journeys_totals_are_those_of_its_task(reader: Client, happened: Happened, what: str):
    """Also of a task whose process or whose worker was killed; "" is one that ran once."""
    first = happened.accepted[f"{happened.prefix}-0"]
    (task,) = (task for task in happened.tasks if task["task_id"] == happened.killed.get(what, first))
    query = f'correlation_id:"{task["correlation_id"]}"'
    journey = Looking(reader, happened.since, happened.until, query)
    attempts = task["attempts"]
    assert journey.value(lens("journey-tasks")) == 1
    assert journey.value(lens("journey-attempts")) == len(attempts) == (2 if what else 1)
    waited, ran = (sum(attempt[name] for attempt in attempts) for name in ("queue_wait_ms", "run_ms"))
    assert journey.value(lens("journey-waited")) == pytest.approx(waited, abs=0.01)
    assert journey.value(lens("journey-ran")) == pytest.approx(ran, abs=0.01)
    assert 0 < journey.value(lens("journey-answered")) <= happened.slowest_seconds * 1000


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
