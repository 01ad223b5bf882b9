"""Which tasks leave spans, all of theirs or none: as their `traceparent` and OpenTelemetry's sampler say."""

import gc
import time

import pytest

from tests.integration import faulty_worker as faults
from tests.integration.span_files import attributes, spans_in
from tests.integration.stock_client import StockClient
from throughline.ledger import keys

OPTIONS = ["--without-gossip", "--without-mingle"]
SENDER = "b7ad6b7169203331"
LOW, HIGH = (
    f"{'4b' * 8}{'0' * 15}1",
    f"{'4b' * 8}{'f' * 16}",
)  # trace IDs that a ratio of a half takes and does not take


@pytest.fixture
def programs():
    return []


@pytest.fixture
def worker(start, programs, redis_url, broker, wait_until, tmp_path):
    """`worker(OTEL_TRACES_SAMPLER="…")`: a stock client beside a worker of one process."""
    (tmp_path / "log").mkdir()
    clients = []

    def started(app="worker.app", **settings):
        own = {"TASK_MODULES": "tests.integration.own_tasks", "WORKER_CONCURRENCY": "1"} | settings
        own |= {"SPANS_DIR": str(tmp_path / "spans"), "TASK_RETRY_SECONDS": "1"}
        output = tmp_path / "log" / "worker.jsonl"
        programs.append(start("celery", "-A", app, "worker", *OPTIONS, output=output, **own))
        wait_until(lambda: broker.zcard(keys.WORKERS), 60, "the worker is there")
        clients.append(StockClient(redis_url, broker, tmp_path))
        return clients[0]

    yield started
    for client in clients:
        client.close()
    gc.collect()  # Celery's results end with it, and ask Redis once more


@pytest.fixture
def all_spans_are_written(programs):
    """`all_spans_are_written()`: the worker has ended, and has written all that it had."""

    def end():
        for program in programs:
            program.terminate()
            program.wait(timeout=30)

    return end


@pytest.fixture
def traced(wait_until):
    """`traced(client, task_type, traceparent)`: a task at its end, and one that it has sent."""

    def run(client, task_type, traceparent, text="a"):
        own = {"published_at": time.time(), "correlation_id": "SAMPLED-1"}
        own |= {"traceparent": traceparent} if traceparent else {}
        task_id = client.send(task_type, [{"text": text}], headers=own)
        wait_until(lambda: client.has_ended(task_id), 30, "it has ended")
        if task_type == "sends":
            child = client.celery_result(task_id)
            wait_until(lambda: client.has_ended(child), 30, "what it sent has ended")
            return task_id, child
        return (task_id,)

    return run


def names(client, *task_ids):
    found = spans_in(client.var_dir / "spans")
    return {span["name"] for span in found if attributes(span).get("task_id") in task_ids}


def header(trace_id, flags):
    return f"00-{trace_id}-{SENDER}-{flags}"


ALL = {"wait medium", "take medium", "run sends", "validate", "send", "publish low", "wait low", "take low", "run echo"}
CASES = [  # sampler, its argument, traceparent, whether there are spans
    ("", "", header(HIGH, "01"), True),
    ("", "", header(LOW, "00"), False),
    ("", "", header(LOW, "02"), False),
    ("", "", "", True),
    ("always_off", "", header(LOW, "01"), False),
    ("always_on", "", header(HIGH, "00"), True),
    ("parentbased_always_off", "", header(HIGH, "01"), True),
    ("parentbased_always_off", "", "", False),
    ("traceidratio", "0.5", header(LOW, "00"), True),
    ("traceidratio", "0.5", header(HIGH, "01"), False),
    ("parentbased_traceidratio", "0.5", header(HIGH, "01"), True),
    ("parentbased_traceidratio", "0.5", header(LOW, "00"), False),
]


@pytest.mark.parametrize("sampler", sorted({case[:2] for case in CASES}), ids=":".join)
def test_a_task_and_what_it_sends_leave_all_their_spans_or_none(
    worker, traced, wait_until, all_spans_are_written, sampler
):
    name, ratio = sampler
    settings = {"OTEL_TRACES_SAMPLER": name} if name else {}
    client = worker(**settings, **({"OTEL_TRACES_SAMPLER_ARG": ratio} if ratio else {}))
    unsampled = []
    for traceparent, is_sampled in (case[2:] for case in CASES if case[:2] == sampler):
        tasks = traced(client, "sends", traceparent)
        if is_sampled:
            wait_until(lambda tasks=tasks: names(client, *tasks) == ALL, 20, f"{traceparent} has its spans")
            continue
        unsampled += tasks
        for task_id in tasks:
            lines = client.lines(task_id)
            assert [line["event.action"] for line in lines][-1] == "task.succeeded"
            assert {line["correlation_id"] for line in lines} == {"SAMPLED-1"}
            traces = {line["trace.id"] for line in lines if line["event.action"] in {"task.started", "task.succeeded"}}
            assert traces == {client.record(task_id)["trace_id"]}
            assert traceparent[3:35] in {*traces, ""}
    all_spans_are_written()
    assert names(client, *unsampled) == set()


def test_every_attempt_at_a_task_without_a_traceparent_is_sampled_or_none(worker, traced, wait_until):
    client = worker(OTEL_TRACES_SAMPLER="parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG="0.5")
    expected = {}
    for _ in range(6):
        (task_id,) = traced(client, "come_back", "", text="never")
        is_taken = int(client.record(task_id)["trace_id"][16:], 16) < 2**63
        expected[task_id] = sorted(2 * ["run come_back", "take medium", "validate", "wait medium"]) if is_taken else []

    def written():
        spans = list(spans_in(client.var_dir / "spans"))
        return {
            task_id: sorted(span["name"] for span in spans if attributes(span)["task_id"] == task_id)
            for task_id in expected
        }

    wait_until(lambda: written() == expected, 20, "each has the spans of both attempts, or none")


def test_a_lost_attempt_of_an_unsampled_task_is_told_by_log_lines_alone(worker, wait_until):
    client = worker("tests.integration.faulty_worker")
    for flags, count in (("00", 0), ("01", 4)):
        own = {"published_at": time.time(), "correlation_id": "LOST-1", "traceparent": header(HIGH, flags)}
        task_id = client.send(args=[{"seed": faults.KILLS_ITS_PROCESS}], headers=own)
        wait_until(lambda task_id=task_id: client.has_ended(task_id), 60, "it has used up its deliveries")

        def runs(task_id=task_id):
            spans = [span for span in spans_in(client.var_dir / "spans") if attributes(span)["task_id"] == task_id]
            return {span["spanId"] for span in spans if span["name"].startswith("run ")}

        wait_until(lambda count=count, runs=runs: len(runs()) == count, 20, f"it has {count} runs")

        def actions(task_id=task_id):
            return [line["event.action"] for line in client.lines(task_id)]

        wait_until(lambda actions=actions: actions()[-1] == "task.dead_lettered", 20, "its last line tells its end")
        assert actions().count("task.handed_back") == 3
        assert (names(client, task_id) == set()) == (flags == "00")


@pytest.mark.parametrize("traceparent", [header(LOW, "01"), ""], ids=["traced", "untraced"])
def test_without_the_sdk_tasks_run_and_their_lines_and_children_keep_the_trace(worker, traced, traceparent):
    client = worker(OTEL_SDK_DISABLED="true")
    tasks = [*traced(client, "sends", traceparent), *traced(client, "come_back", traceparent, text="never")]
    assert not list(spans_in(client.var_dir / "spans"))
    for task_id in tasks:
        record, lines = client.record(task_id), client.lines(task_id)
        within = {line.get("trace.id") for line in lines if line["event.action"] in {"task.started", "task.succeeded"}}
        assert within == {record["trace_id"]}
        if traceparent:
            assert record["trace_id"] == LOW
    first, child = (client.record(task_id)["trace_id"] for task_id in tasks[:2])
    assert first == child
