"""The journey of an attempt whose process is killed, whenever and by whomever: its wait, its run, its end."""

import json
import os
import random
import signal
import time

import psutil
import pytest

from api.services.task_view import task_view
from tests.attempt_numbers import (
    gaps_ms,
    told_by_lines,
    told_by_spans,
    told_by_the_api,
    told_by_the_journey,
    without_a_parent,
)
from tests.integration import faulty_worker as faults
from tests.integration.span_files import attributes, spans_in
from throughline.journey import to_dict
from throughline.journey.role import Role
from throughline.ledger import keys, scripts
from throughline.ledger.script import Ledger
from throughline.ledger.states import Reason
from throughline.ledger.stored_task import StoredTask

INSTRUMENTATION = "opentelemetry.instrumentation.celery"
MAIN_PROCESS = "throughline"  # which writes what the instrumentation in the task's process could not
LIMITS = {"TASK_SOFT_TIME_LIMIT_SECONDS": "5", "TASK_TIME_LIMIT_SECONDS": "7"}


@pytest.fixture(scope="module")
def client(client_beside_worker):
    """One worker of two processes, whose tasks go wrong on demand."""
    own = {"WORKER_CONCURRENCY": "2", "SERVICE_NODE_NAME": "worker-1"}
    return client_beside_worker("tests.integration.faulty_worker", **own, **LIMITS)


@pytest.fixture
def send(client):
    """`send(seed, "ID-1")`: a task that goes wrong as its seed says; the message's headers are those of the api."""

    def sent(seed, correlation_id, **options):
        headers = {"correlation_id": correlation_id, "published_at": time.time()}
        return client.send(args=[{"seed": seed}], headers=headers, **options)

    return sent


@pytest.fixture
def running(client, send, wait_until):
    """The same, once it runs; with its process."""

    def begun(seed, correlation_id):
        task_id = send(seed, correlation_id)
        attempt = wait_until(lambda: client.broker.lindex(keys.attempts(task_id), -1), 20, "it runs")
        return task_id, json.loads(attempt)["process"]  # a short one may have ended by now

    return begun


@pytest.fixture
def told(client, wait_until):
    """`told(task_id)` is the task in its journey, once that has come to the record's end and shows a run of it."""

    def look(task_id, runs=1):
        wait_until(lambda: client.has_ended(task_id), 60, f"{task_id} has ended")
        status = client.record(task_id)["status"]

        def agrees():
            request = client.request(task_id)
            return request is not None and request.status == status and len(steps(request)) == runs and request

        request = wait_until(agrees, 20, f"the journey of {task_id} says {status}, with {runs} runs")
        assert gaps_ms(to_dict(client.journey(task_id))["requests"][0]["steps"]) == []
        return request

    return look


def steps(request, role=Role.RUN):
    """Those that are spans: the journey shows what log lines tell of as steps too."""
    return [step for step in request.steps if step.role is role and not step.from_lines]


def ids(client, task_id):
    return {line["correlation_id"] for line in client.lines(task_id)}


def event(client, task_id, action):
    (line,) = [line for line in client.lines(task_id) if line["event.action"] == action]
    return line


def test_a_task_at_its_hard_time_limit_has_a_run_that_says_so(client, send, told):
    task_id = send(faults.IGNORES_THE_SOFT_LIMIT, "LIMIT-1")
    request = told(task_id)
    (run,) = steps(request)
    assert request.status == "FAILURE"
    assert 6.5e9 < run.duration_ns < 20e9
    assert "hard time limit" in run.what
    assert len(steps(request, Role.WAIT)) == 1
    failed = event(client, task_id, "task.failed")
    assert (failed["error.type"], failed["correlation_id"]) == ("TimeLimitExceeded", "LIMIT-1")


def test_a_process_killed_just_after_the_start_leaves_no_gap(client, send, told):
    task_id = send(faults.KILLS_ITS_PROCESS, "EARLY-1")
    request = told(task_id, runs=4)
    assert request.status == "FAILURE"
    assert len(steps(request, Role.WAIT)) == 4
    for wait, run in zip(steps(request, Role.WAIT)[:3], steps(request)[:3], strict=True):
        assert "lost with process" in run.what
        assert run.parent_id == wait.span_id
        assert run.offset_ns - wait.end_ns < 2e9  # a worker that is lost is noticed after ten seconds
    assert ids(client, task_id) == {"EARLY-1"}


def test_an_attempt_that_was_given_up_meanwhile_does_not_say_that_its_result_is_stored(client, running, wait_until):
    task_id, _ = running(faults.TAKES_SECONDS + 3, "LATE-1")
    given_up = scripts.hand_back(task_id, worker="worker-1", reason=Reason.LOST_PROCESS)
    assert Ledger(client.broker)(given_up).outcome == "handed_back"  # as the sweep would for a worker that is frozen

    actions = wait_until(
        lambda: (told := [line["event.action"] for line in client.lines(task_id)])[-1] != "task.started" and told,
        20,
        "the process has told of its end",
    )

    assert actions == ["task.received", "task.started", "task.came_too_late"]
    assert ids(client, task_id) == {"LATE-1"}
    assert client.broker.hget(keys.task(task_id), "status") == "PENDING"


def test_a_killed_attempt_has_the_same_numbers_in_record_log_lines_spans_and_journey(client, running, wait_until):
    """To the microsecond: how long each attempt waited and ran."""
    task_id, process = running(faults.TAKES_SECONDS + 1, "ALIKE-1")
    os.kill(process, signal.SIGKILL)
    wait_until(lambda: client.has_ended(task_id), 60, "it has ended")

    def spans():
        return [span for span in spans_in(client.var_dir / "spans") if attributes(span).get("task_id") == task_id]

    wait_until(
        lambda: len({span["spanId"] for span in spans() if span["name"].startswith("run ")}) == 2, 20, "its runs"
    )
    task = task_view(stored(client, task_id)).model_dump(mode="json")
    numbers = told_by_the_api(task)
    # Celery gives a lost process's task up at once, or after ten seconds: then it had been lost for so long.
    assert [each.keys() - {"lost_ms"} for each in numbers] == 2 * [{"queue_wait_ms", "take_ms", "run_ms"}]
    assert task["queue_wait_ms"] == pytest.approx(sum(each["queue_wait_ms"] for each in numbers), abs=0.002)
    (request,) = to_dict(client.journey(task_id))["requests"]
    for told in (
        told_by_lines(client.lines(task_id), task),
        told_by_spans(spans(), task),
        told_by_the_journey(request["steps"]),
    ):
        for attempt, expected in zip(told, numbers, strict=True):
            assert attempt == pytest.approx(expected, abs=0.002)
    assert without_a_parent(spans()) == {"wait medium"}  # of the first attempt: the message came without a trace


def stored(client, task_id):
    fields, attempts = client.record(task_id), client.broker.lrange(keys.attempts(task_id), 0, -1)
    return StoredTask(task_id, fields, tuple(attempts), result=client.broker.get(keys.celery_result(task_id)))


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL"])
def test_a_running_task_that_celery_terminates_is_cancelled(client, running, told, wait_until, name):
    task_id, _ = running(faults.TAKES_SECONDS + 4, f"TERMINATED-{name}")
    client.app.control.revoke(task_id, terminate=True, signal=name)
    request = told(task_id)
    (run,) = steps(request)
    assert request.status == "REVOKED"
    # Its lines may be there before its span, and tell the journey until then.
    wait_until(lambda: "revoked through Celery" in steps(client.request(task_id))[0].what, 20, "its span says why")
    assert run.duration_ns < 15e9
    assert "revoked through Celery" in event(client, task_id, "task.cancelled")["cause"]
    assert ids(client, task_id) == {f"TERMINATED-{name}"}


def test_a_waiting_task_that_celery_revokes_is_cancelled_and_never_runs(client, running, send, wait_until):
    for number in range(2):
        running(faults.TAKES_SECONDS + 4, f"BEFORE-{number}")
    task_id = send(0, "REVOKED-1")
    client.app.control.revoke(task_id)
    wait_until(lambda: client.has_ended(task_id), 30, "it is cancelled")
    wait_until(lambda: client.request(task_id), 20, "its journey is written")
    request = client.request(task_id)
    assert (client.record(task_id)["status"], request.status) == ("REVOKED", "REVOKED")
    assert steps(request) == []
    assert "revoked" in event(client, task_id, "task.cancelled")["cause"]
    assert ids(client, task_id) == {"REVOKED-1"}
    assert client.broker.llen("medium") == 0


def test_a_task_whose_stamp_celery_revokes_is_cancelled(client, send, told, wait_until):
    client.app.control.revoke_by_stamped_headers({"batch": ["7"]})
    task_id = client.publish(
        stamped_headers=["batch"], stamps={"batch": ["7"]}, correlation_id="STAMPED-1", published_at=time.time()
    )
    told(task_id, runs=0)
    assert "revoked" in event(client, task_id, "task.cancelled")["cause"]


def test_whenever_a_process_is_killed_the_journey_ends_as_the_record_does(client, running, told, wait_until):
    """Around the moment in which the result is stored: before, within, after, and when the process is idle again."""
    chance = random.Random(7)
    for number in range(40):
        task_id, process = running(faults.TAKES_SECONDS + 0.05, f"KILLED-{number}")
        time.sleep(chance.uniform(0.03, 0.07))
        os.kill(process, signal.SIGKILL)
        wait_until(lambda process=process: not psutil.pid_exists(process), 20, "it is gone")
        wait_until(lambda task_id=task_id: client.has_ended(task_id), 30, "it has ended")
        attempts = client.broker.llen(keys.attempts(task_id))
        request = told(task_id, runs=attempts)
        assert request.status == "SUCCESS"
        assert len(steps(request, Role.WAIT)) == attempts
        assert ids(client, task_id) == {f"KILLED-{number}"}


def test_no_process_exports_a_run_that_was_cut_off_in_it_or_came_too_late(client):
    """The last but one: what was to be exported is exported by now."""
    makers: dict[str, set[str]] = {}
    for span in spans_in(client.var_dir / "spans"):
        if span["name"].startswith("run "):
            makers.setdefault(attributes(span)["correlation_id"], set()).add(span["scope"])
    assert INSTRUMENTATION not in makers.get("LATE-1", set())
    assert all(makers[cut] == {MAIN_PROCESS} for cut in ("LIMIT-1", "TERMINATED-SIGTERM", "TERMINATED-SIGKILL"))
    assert INSTRUMENTATION in set().union(*makers.values())


def test_every_event_of_a_task_has_the_tasks_correlation_id(client):
    """The last test: the log holds what all others did."""
    seen = {line["task_id"] for line in client.all_lines()}
    assert len(seen) > 40
    for line in client.all_lines():
        assert line["correlation_id"] == client.record(line["task_id"])["correlation_id"], line
