"""What the monitor serves of the counts: each series from the start, each number where it belongs."""

from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from monitor.metrics import Metrics
from throughline.ledger.counts import BOUNDS, NOTHING, Counts
from throughline.ledger.deployments import Running, Versions
from throughline.ledger.message import Queue
from throughline.ledger.queue_sample import Sample

AT_REST = Sample(dict.fromkeys(Queue, 0), dict.fromkeys(Queue, 0.0), 0, (), "closed", {}, {}, {})
COUNTED = Counts.parse(
    {
        "ran|0.1|RETRY|1.4|word_count": "1",
        "ran|1|SUCCESS|1.5|word_count": "2",
        "ran_us|RETRY|1.4|word_count": "70000",
        "ran_us|SUCCESS|1.5|word_count": "1500000",
        "ran|inf|FAILURE||gone": "1",
        "ran|inf|FAILURE|-|gone": "5",
        "waited|0.002|high|word_count": "3",
        "waited_us|high|word_count": "4500",
        "ended|REVOKED|word_count": "4",
    },
    0.0,
)


def told(counts):
    metrics = Metrics("monitor", "1.0", 3, ["word_count", "idle"])
    if counts is not None:
        metrics.update(replace(AT_REST, counts=counts))
    families = list(text_string_to_metric_families(metrics.text().decode()))
    return {(each.name, *sorted(each.labels.items())): each.value for family in families for each in family.samples}


def labelled(name, **labels):
    return (name, *sorted(labels.items()))


def test_every_series_of_each_known_type_is_there_at_0_before_anything_has_ended():
    seen = told(NOTHING)
    counters = {
        key: value for key, value in seen.items() if key[0] in {"throughline_tasks_total", "throughline_runs_total"}
    }
    assert set(counters.values()) == {0}
    for name in ("word_count", "idle", "other"):
        for status in ("SUCCESS", "FAILURE", "REVOKED"):
            assert labelled("throughline_tasks_total", task_type=name, status=status) in counters
        assert labelled("throughline_runs_total", task_type=name, status="RETRY") in counters
        assert seen[labelled("throughline_task_duration_seconds_bucket", task_type=name, le="+Inf")] == 0
        for queue in Queue:
            assert seen[labelled("throughline_task_queue_wait_seconds_count", task_type=name, queue=queue)] == 0


def test_the_numbers_are_those_of_the_ledger():
    seen = told(COUNTED)
    duration, wait = "throughline_task_duration_seconds", "throughline_task_queue_wait_seconds"
    assert seen[labelled("throughline_runs_total", task_type="word_count", status="RETRY")] == 1
    assert seen[labelled("throughline_runs_total", task_type="word_count", status="SUCCESS")] == 2
    assert seen[labelled("throughline_runs_total", task_type="gone", status="FAILURE")] == 6
    assert seen[labelled("throughline_tasks_total", task_type="word_count", status="SUCCESS")] == 2
    assert seen[labelled("throughline_tasks_total", task_type="word_count", status="REVOKED")] == 4
    assert seen[labelled(f"{duration}_bucket", task_type="word_count", le="0.05")] == 0
    assert seen[labelled(f"{duration}_bucket", task_type="word_count", le="0.1")] == 1
    assert seen[labelled(f"{duration}_bucket", task_type="word_count", le="1.0")] == 3
    assert seen[labelled(f"{duration}_sum", task_type="word_count")] == 1.57
    assert seen[labelled(f"{duration}_bucket", task_type="gone", le="600.0")] == 0
    assert seen[labelled(f"{duration}_count", task_type="gone")] == 6
    assert seen[labelled(f"{wait}_sum", task_type="word_count", queue="high")] == 0.0045
    assert seen[labelled("throughline_version_runs_total", service_version="1.5", status="SUCCESS")] == 2
    assert labelled("throughline_version_runs_total", service_version="-", status="FAILURE") not in seen
    assert seen[labelled("throughline_version_duration_seconds_sum", service_version="1.4")] == 0.07
    assert (
        len([key for key in seen if key[0] == f"{duration}_bucket" and ("task_type", "idle") in key]) == len(BOUNDS) + 1
    )


def test_a_version_is_there_at_0_as_soon_as_a_worker_of_it_lives():
    metrics = Metrics("monitor", "1.0", 3, ["word_count"])
    metrics.update(AT_REST)
    metrics.show(Versions((Running("worker", "1.6", 0.0, 1), Running("api", "1.7", 0.0, 1))))
    text = metrics.text().decode()
    assert 'throughline_version_runs_total{service_version="1.6",status="FAILURE"} 0.0' in text
    assert 'service_version="1.7",status' not in text


def test_before_its_first_sample_a_monitor_says_nothing_of_them():
    """After a restart of the monitor, zeros and then the counts would look as if all had ended within one scrape."""
    assert not [key for key in told(None) if key[0].startswith(("throughline_tasks_total", "throughline_runs_total"))]


def test_counters_of_the_breaker_and_of_promises_are_there_from_the_start_too():
    seen = told(NOTHING)
    for size in ("under_0.1_s", "under_1_s", "under_10_s", "over_10_s"):
        assert seen[labelled("throughline_promises_total", off_by=size)] == 0
    for direction in ("early", "late"):
        assert seen[labelled("throughline_promise_error_seconds_total", direction=direction)] == 0
