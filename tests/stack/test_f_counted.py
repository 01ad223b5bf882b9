"""Every way of looking shows the same numbers: Prometheus, API, page and terminal, held against a counted mix.

What Kibana shows of the same mix is in test_f_dashboards.py.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from monitor.page.traffic import MOST_LINES
from tests import plain_http
from tests.attempt_numbers import gaps_ms
from tests.command import ROOT, output
from tests.stack.mix import REFUSED, Happened, agree, now
from tests.stack.stack import Stack

Wait = Callable[..., Any]


class Prometheus:
    """Asked for what was counted between the mix's begin and now."""

    def __init__(self, stack: Stack, happened: Happened) -> None:
        self._url, self._since = f"{stack.url('PROMETHEUS')}/api/v1/query", happened.since / 1000

    def ask(self, query: str, at: float | None = None) -> dict[tuple[str, ...], float]:
        """Values by the values of their labels, in the order of the labels' names."""
        moment = {} if at is None else {"time": str(at)}
        answer = plain_http.get(self._url, params={"query": query} | moment).json()
        assert answer["status"] == "success", answer
        found = answer["data"]["result"]
        return {tuple(value for _, value in sorted(each["metric"].items())): float(each["value"][1]) for each in found}

    def counted(self, query: str) -> Counter[tuple[str, ...]]:
        """What counters have risen by since the mix began."""
        before = self.ask(query, self._since)
        risen = {labels: round(value - before.get(labels, 0)) for labels, value in self.ask(query).items()}
        return Counter({labels: many for labels, many in risen.items() if many})


@pytest.fixture
def prometheus(stack: Stack, happened: Happened) -> Prometheus:
    return Prometheus(stack, happened)


def test_prometheus_counts_the_runs_by_type_and_outcome(prometheus: Prometheus, happened: Happened, wait_until: Wait):
    """Counted by Redis, so also those that left no span."""
    query = "sum by (task_type, status) (max without (instance) (throughline_runs_total))"
    expected = {(outcome, kind): many for (kind, outcome), many in happened.runs.items()}
    agree(lambda: prometheus.counted(query), expected, wait_until)


def test_prometheus_counts_the_tasks_by_type_and_end(prometheus: Prometheus, happened: Happened, wait_until: Wait):
    query = "sum by (task_type, status) (max without (instance) (throughline_tasks_total))"
    expected = Counter((task["status"], task["task_type"]) for task in happened.tasks)
    agree(lambda: prometheus.counted(query), expected, wait_until)


def test_the_spans_of_runs_say_the_same(prometheus: Prometheus, happened: Happened, wait_until: Wait):
    """But for a process that was killed: its last runs are written again, in case it could not."""
    query = 'sum by (span_name, status) (throughline_span_calls_total{span_kind="SPAN_KIND_CONSUMER"})'
    expected = _spans_of((task["task_type"], attempt["outcome"]) for task, attempt in happened.attempts)
    again = _spans_of((task["task_type"], attempt["outcome"]) for task, attempt in _ran_where_killed(happened))
    with suppress(pytest.fail.Exception):
        wait_until(lambda: expected <= prometheus.counted(query), 60, "all are counted")
    counted = prometheus.counted(query)
    assert expected - counted == Counter()
    assert counted - expected <= again


def test_the_replicas_counted_each_submission_by_its_answer(
    prometheus: Prometheus, happened: Happened, wait_until: Wait
):
    asked = 'http_route="/api/v1/tasks", http_request_method="POST"'
    query = f"sum by (http_response_status_code) (http_server_request_duration_seconds_count{{{asked}}})"
    expected = {(str(status),): many for status, many in happened.answers.items()}
    agree(lambda: prometheus.counted(query), expected, wait_until)


def test_durations_and_waits_add_up_to_those_of_the_api(prometheus: Prometheus, happened: Happened, wait_until: Wait):
    for metric, of_attempt in {"task_duration": "run_ms", "task_queue_wait": "queue_wait_ms"}.items():
        expected = sum(attempt[of_attempt] for _, attempt in happened.attempts) / 1000
        query = f"1000 * sum(max without (instance) (throughline_{metric}_seconds_sum))"
        near = pytest.approx(expected * 1000, abs=10)
        agree(partial(prometheus.counted, query), {(): near}, wait_until)


def test_a_rate_sees_the_first_event_of_a_series(prometheus: Prometheus, happened: Happened):
    """No task of this type had ever failed: the series was there before, at 0."""
    minutes = (now() - happened.since) // 60_000 + 2
    failed = 'throughline_runs_total{task_type="fall", status="FAILURE"}'
    ((_, seen),) = prometheus.ask(f"sum(max without (instance) (increase({failed}[{minutes}m])))").items()
    assert seen == pytest.approx(1, abs=0.4)  # what `increase` extrapolates to the edges of the window


def test_the_terminal_lists_the_same_tasks(stack: Stack, happened: Happened):
    printed = throughline(stack, "tasks", "--json", "--limit", "1000", "--since", "30m")
    listed = [task for line in printed.splitlines() if (task := json.loads(line))["task_id"] in _ids(happened)]
    assert Counter(task["status"] for task in listed) == Counter(task["status"] for task in happened.tasks)
    assert {task["task_id"]: len(task["attempts"]) for task in listed} == {
        task["task_id"]: len(task["attempts"]) for task in happened.tasks
    }


@pytest.mark.parametrize("what", ["process", "worker"])
def test_page_and_terminal_tell_a_killed_attempt_with_the_numbers_of_the_api(
    stack: Stack, happened: Happened, what: str
):
    (task,) = (task for task in happened.tasks if task["task_id"] == happened.killed[what])
    with stack.http() as client:
        answer = client.get(f"/journeys/{task['correlation_id']}", headers={"Accept": "application/json"}).json()
    printed = json.loads(throughline(stack, "journey", task["correlation_id"], "--json"))
    lost, last = task["attempts"]
    assert what == "process" or lost["lost_ms"] > 0  # a lost process is noticed at once, or within ten seconds
    for document in (answer, printed):
        (request,) = (each for each in document["requests"] if each["submitted"])
        took = [(step["name"], step["duration_ms"]) for step in request["steps"]]
        runs = [duration for name, duration in took if name == "run nap"]
        assert runs == pytest.approx([lost["run_ms"], last["run_ms"]], abs=0.01)
        assert gaps_ms(request["steps"]) == []
        assert dict(took).get("lost nap", 0) == pytest.approx(lost.get("lost_ms", 0), abs=0.01)
    told = throughline(stack, "journey", task["correlation_id"])
    assert f"attempt 1 on {lost['worker']}, " in told, told
    assert "attempt 2 on " in told, told


def test_the_terminal_says_why_a_task_failed(stack: Stack, happened: Happened):
    (task,) = (task for task in happened.tasks if task["task_type"] == "fall")
    told = throughline(stack, "journey", task["correlation_id"])
    assert "Attempt 2 falls." in told
    assert "Attempt 1 falls." in told


def test_the_home_page_counts_the_requests_that_failed(stack: Stack, happened: Happened, wait_until: Wait):
    def is_counted() -> bool:
        with stack.http() as client, stack.reader() as reader:
            page = client.get("/", headers={"Accept": "text/html"}).text
            body = {"query": {"kql": {"query": _FAILED_LATELY}}}
            lately = reader.ask("POST", "/logs-throughline-default/_count", body)["count"]
        shown = re.search(r"([\d,]+) of ([\d,]+) requests?", page)
        if shown is None:
            return False
        failed, answered = (int(each.replace(",", "")) for each in shown.groups())
        # Of more than a thousand it counts the latest, and says so.
        return failed == lately >= REFUSED or (answered >= MOST_LINES and failed >= REFUSED)

    wait_until(is_counted, 30, "page and lines say the same")


_FAILED_LATELY = (
    'service.name : nginx and event.action : "request.completed" and url.path : /api/* '
    'and http.response.status_code >= 500 and @timestamp >= "now-5m"'
)


def throughline(stack: Stack, *arguments: str) -> str:
    """The command as a user on this machine runs it, at 80 columns and piped."""
    environment = {
        "PATH": os.environ["PATH"],
        "COLUMNS": "80",
        "THROUGHLINE_URL": stack.base_url,
        "ELASTICSEARCH_URL": stack.url("ELASTICSEARCH"),
        "ELASTICSEARCH_USER": "throughline_reader",
        "ELASTICSEARCH_PASSWORD": stack.secret("READER_PASSWORD"),
    }
    return output([str(ROOT / ".venv" / "bin" / "throughline"), *arguments], 60, environment)


def _spans_of(runs: Iterable[tuple[str, str]]) -> Counter[tuple[str, ...]]:
    return Counter((f"run {kind}", outcome) for kind, outcome in runs)


def _ran_where_killed(happened: Happened) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    (lost,) = (task["attempts"][0] for task in happened.tasks if task["task_id"] == happened.killed["process"])
    killed = (lost["worker"], lost["process"])
    return [each for each in happened.attempts if (each[1]["worker"], each[1]["process"]) == killed]


def _ids(happened: Happened) -> set[str]:
    return {task["task_id"] for task in happened.tasks}


def test_jaeger_knows_who_calls_whom(stack: Stack, happened: Happened, wait_until: Wait):
    def calls() -> dict[tuple[str, str], int]:
        asked = {"endTs": str(now()), "lookback": str(24 * 60 * 60 * 1000)}
        answer = plain_http.get(f"{stack.url('JAEGER')}/api/dependencies", params=asked).json()
        return {(each["parent"], each["child"]): each["callCount"] for each in answer["data"] or []}

    submitted = len(happened.tasks)
    wait_until(lambda: calls().get(("api", "worker"), 0) >= submitted - 1, 60, "calls from api to worker")
    assert calls()["nginx", "api"] > happened.requests
