"""/metrics in the format that is asked for: OpenMetrics with examples, or the text format without them."""

from dataclasses import replace

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as text
from prometheus_client.samples import Exemplar

from monitor.exposition import OPENMETRICS, TEXT, asked_for
from monitor.metrics import Metrics
from monitor.slow_traces import SlowTraces, measured
from tests.unit.test_counts_collector import AT_REST, COUNTED
from throughline.ledger.deployments import Running, Versions
from throughline.ledger.record import TaskRecord

NOW = 1_795_701_210.5
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("accept", "format_"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/plain", TEXT),
        ("text/html, */*;q=0.1", TEXT),
        ("application/json", TEXT),
        ("application/*", TEXT),
        ("application/openmetrics-text", OPENMETRICS),
        ("Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8", OPENMETRICS),
        ('application/openmetrics-text;version="0.0.1"', OPENMETRICS),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=1.0.0;q=0.1", OPENMETRICS),
        ("application/openmetrics-text;q=0, */*", TEXT),
        ("application/openmetrics-text;q=0.3,text/plain;q=0.5", TEXT),
        ("text/plain;version=0.0.4;q=0.5,application/openmetrics-text;q=0.5", OPENMETRICS),
        ("application/openmetrics-text;q=0.5,*/*", OPENMETRICS),
        ("application/openmetrics-text;q=very", TEXT),
        ("application/openmetrics-text;q=nan", TEXT),
        ("application/openmetrics-text;q=7", TEXT),
        (",;,q=1;", TEXT),
        # Prometheus 2 and 3
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
            "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            OPENMETRICS,
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            OPENMETRICS,
        ),
    ],
)
def test_the_format_is_the_one_that_is_asked_for(accept: str, format_: object):
    assert asked_for(accept) is format_


def of(seconds: float, wait: float = 0.004, **fields: str) -> TaskRecord:
    told = {"task_type": "word_count", "queue": "high", "trace_id": TRACE} | fields
    attempt = (
        f'{{"started_at":{NOW - seconds},"finished_at":{NOW},"outcome":"SUCCESS","queue_wait":{wait},"version":"1.5"}}'
    )
    return TaskRecord.parse("task-1", told, [attempt])


@pytest.fixture
def metrics() -> Metrics:
    metrics = Metrics("monitor", "1.0", 3, ["word_count", "idle"])
    metrics.update(replace(AT_REST, counts=COUNTED))
    metrics.show(Versions((Running("worker", "1.5", 1.0, 1),), ()))
    return metrics


def test_each_bucket_has_a_trace_that_took_so_long(metrics: Metrics, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("monitor.slow_traces.time.time", lambda: NOW)
    for series, example in measured(of(0.75), ["word_count"]):
        metrics.examples.keep(series, example)

    families = {each.name: each for each in open_metrics(metrics.text(OPENMETRICS).decode())}
    found = {
        (name, sample.labels["le"], sample.exemplar.labels["trace_id"], sample.exemplar.value)
        for name, family in families.items()
        for sample in family.samples
        if sample.exemplar
    }
    assert found == {
        ("throughline_task_duration_seconds", "1.0", TRACE, 0.75),
        ("throughline_version_duration_seconds", "1.0", TRACE, 0.75),
        ("throughline_task_queue_wait_seconds", "0.005", TRACE, 0.004),
    }


def test_both_formats_tell_the_same_numbers(metrics: Metrics):
    for series, example in measured(of(0.75), ["word_count"]):
        metrics.examples.keep(series, example)
    plain, opened = metrics.text().decode(), metrics.text(OPENMETRICS).decode()
    assert TRACE not in plain
    assert opened.endswith("# EOF\n")

    def numbers(families):
        return {
            (each.name, *sorted(each.labels.items())): each.value
            for family in families
            for each in family.samples
            if "sample_age" not in each.name and not each.name.endswith("_created")
        }

    assert numbers(text(plain)) == numbers(open_metrics(opened))


def example(value: float, at: float) -> Exemplar:
    return Exemplar({"trace_id": f"{value}"}, value, at)


def test_the_longest_of_a_minute_is_kept_and_goes_when_it_is_old(monkeypatch: pytest.MonkeyPatch):
    series, traces = ("throughline.task.duration", ("word_count",)), SlowTraces(["word_count"])

    def shown(now: float) -> list[float]:
        monkeypatch.setattr("monitor.slow_traces.time.time", lambda: now)
        return [each.value for each in traces.of(series) if each]

    for value, at in ((0.7, 0.0), (0.9, 1.0), (0.8, 2.0), (700.0, 3.0), (0.0, 3.0)):
        traces.keep(series, example(value, at))
    assert shown(10) == [0.0, 0.9, 700.0]
    traces.keep(series, example(0.6, 70.0))
    assert shown(80) == [0.0, 0.6, 700.0]
    assert shown(10_000) == []


def test_what_no_program_declares_and_what_has_no_trace_is_no_series_of_its_own():
    found = [series for series, _ in measured(of(0.1, task_type="stranger"), ["word_count"])]
    assert ("throughline.task.duration", ("other",)) in found
    assert ("throughline.task.queue_wait", ("other", "high")) in found
    assert not list(measured(of(0.1, trace_id=""), ["word_count"]))
