"""A user's own tasks, in a module that TASK_MODULES names, through a real replica, Redis and worker."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import is_healthy
from tests.integration.own_processes import own_processes
from tests.integration.span_files import attributes

SECRET = "Lohengrin-90210"
RACES = 400


@pytest.fixture(scope="module")
def own(tmp_path_factory, redis_url, wait_until):
    with own_processes(tmp_path_factory.mktemp("own"), redis_url) as running:
        wait_until(lambda: is_healthy(running.api), 90, "the replica sees a worker")
        yield running


def test_a_task_runs_from_one_function_in_its_own_queue_with_its_phase_as_a_span(own, wait_until):
    task = own.finished("word_count", {"text": "to be or not to be"})
    assert (task["status"], task["result"]) == ("SUCCESS", {"words": 6})
    assert (task["queue"], task["priority"]) == ("low", "low")
    names = {"run word_count", "validate", "split"}
    wait_until(lambda: names <= {span["name"] for span in own.spans(task["task_id"])}, 20, "its spans are written")
    by_name = {span["name"]: span for span in own.spans(task["task_id"])}
    assert by_name["split"]["parentSpanId"] == by_name["run word_count"]["spanId"]
    assert attributes(by_name["split"]) == {
        "correlation_id": "OWN-word_count",
        "task_id": task["task_id"],
        "task_type": "word_count",
        "phase": True,
        "words": "6",
    }


@pytest.mark.parametrize(
    ("envelope", "queue"), [({"priority": "high"}, "high"), ({"queue": "medium"}, "medium"), ({}, "low")]
)
def test_its_own_queue_is_for_submissions_that_name_none(own, envelope, queue):
    assert own.finished("word_count", {"text": "a"}, **envelope)["queue"] == queue


def test_the_types_on_offer_are_the_modules_and_nothing_of_risk_is_left(own):
    offered = {each["task_type"]: each for each in own.api.get("/api/v1/task-types").json()["task_types"]}
    assert {"word_count", "take_order"} <= offered.keys()
    assert "calculate_var" not in offered
    assert offered["word_count"]["example"] == {"task_type": "word_count", "data": {"text": "to be or not to be"}}
    assert offered["word_count"]["data_schema"]["required"] == ["text"]
    description = own.api.get("/openapi.json").text
    assert "WordCountSubmission" in description
    assert "calculate_var" not in description
    answer = own.api.post("/api/v1/tasks", json={"task_type": "calculate_var", "data": {}})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "task_type")


def test_a_mistake_in_the_data_is_told_by_its_path(own):
    answer = own.api.post("/api/v1/tasks", json={"task_type": "word_count", "data": {"text": 5}})
    assert [error["field"] for error in answer.json()["errors"]] == ["data.text"]


def test_a_mistake_in_what_the_model_has_moved_is_told_where_the_client_put_it(own):
    data = {"text": 5, "items": [{"text": "a"}, {"text": 6}, {}]}
    answer = own.api.post("/api/v1/tasks", json={"task_type": "send_parcel", "data": data})
    assert [error["field"] for error in answer.json()["errors"]] == [
        *("data.text", "data.items[1].text", "data.items[2].text")
    ]


def test_a_model_may_have_aliases_and_values_that_json_does_not_know(own):
    task = own.finished("take_order", {"due": "2026-11-25T12:00:00Z", "class": "express"})
    assert task["result"] == {"order": {"due": "2026-11-25T12:00:00Z", "class": "express"}, "weekday": 3}


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_a_number_that_json_does_not_know_is_no_json_whatever_the_model_takes(own, number):
    body = f'{{"task_type": "repeat", "data": {{"price": {number}}}}}'
    answer = own.api.post("/api/v1/tasks", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED_JSON")


def test_a_null_in_a_result_is_kept(own):
    assert own.finished("repeat", {"price": None})["result"] == {"price": None}


def test_phases_may_be_named_like_the_steps_of_a_journey(own, wait_until):
    task = own.finished("named_like_steps", {"text": "x"})
    named = {"nginx", "api", "publish low", "wait medium", "run fast"}
    wait_until(lambda: named <= {span["name"] for span in own.spans(task["task_id"])}, 20, "its spans are written")
    phases = [span for span in own.spans(task["task_id"]) if attributes(span).get("phase")]
    assert {span["name"] for span in phases} == named | {"validate"}
    told = [
        line for line in own.lines(task["task_id"]) if line.get("log.logger") == "throughline.task.named_like_steps"
    ]
    assert len(told) == 5
    assert {line["correlation_id"] for line in told} == {"OWN-named_like_steps"}


@pytest.mark.parametrize(
    ("task_type", "error"),
    [
        ("look_up", {"type": "KeyError", "message": "'…'"}),
        ("refuse_by_value", {"type": "ValueError", "message": "there is no order '…'"}),
        ("leave", {"type": "SystemExit", "message": "3"}),
    ],
)
def test_an_unhandled_error_is_permanent_and_neither_record_nor_log_holds_the_data(own, wait_until, task_type, error):
    task = own.finished(task_type, {"text": SECRET})
    assert (task["status"], task["error"], len(task["attempts"])) == ("FAILURE", error, 1)
    (line,) = wait_until(lambda: own.lines(task["task_id"], "task.failed"), 20, "its end is logged")
    assert line["correlation_id"] == f"OWN-{task_type}"
    assert line["error.type"] == error["type"]
    assert 'own_tasks.py", line ' in line["error.stack_trace"]
    assert f"in {task_type}" in line["error.stack_trace"]
    written = list(own.folder.rglob("*.jsonl"))
    assert len(written) >= 4
    for path in written:
        assert "Lohengrin" not in path.read_text(encoding="utf-8"), path


def test_an_error_that_is_meant_for_the_client_is_told_as_it_is(own, wait_until):
    task = own.finished("refuse", {"text": SECRET})
    assert task["error"] == {"type": "PermanentError", "message": "Orders are closed."}
    (line,) = wait_until(lambda: own.lines(task["task_id"], "task.failed"), 20, "its end is logged")
    assert (line["error.message"], "error.stack_trace" in line) == ("Orders are closed.", False)


@pytest.mark.parametrize(
    ("task_type", "message"),
    [
        ("not_a_number", "A task's result must be JSON: result.price is NaN: JSON has no such number."),
        ("not_json", "A task's result must be JSON: result.seen[0] is a set."),
    ],
)
def test_a_result_that_is_not_json_is_an_error_of_the_task(own, task_type, message):
    task = own.finished(task_type, {"text": "x"})
    assert (task["status"], task["error"]) == ("FAILURE", {"type": "InvalidResult", "message": message})
    assert "result" not in task


def test_a_temporary_error_is_retried_after_the_tasks_own_wait(own):
    task = own.finished("come_back", {"text": "once"})
    assert (task["status"], task["result"], len(task["attempts"])) == ("SUCCESS", 2, 2)


def test_a_task_has_as_many_retries_as_it_says(own):
    task = own.finished("come_back", {"text": "never"})
    assert (task["status"], task["error"]["type"], len(task["attempts"])) == ("FAILURE", "TemporaryError", 2)


def test_a_tasks_own_time_limit_ends_it(own):
    task = own.finished("slow", {"text": "x"})
    assert (task["status"], task["error"]["type"]) == ("FAILURE", "SoftTimeLimitExceeded")
    assert task["error"]["message"] == "It ran past its soft time limit of 4 s, at which it was asked to stop."
    assert task["run_ms"] < 20_000


def test_a_time_limit_below_the_soft_limit_of_the_settings_ends_the_process(own):
    task = own.finished("stubborn", {"text": "x"})
    assert (task["status"], task["error"]["type"]) == ("FAILURE", "TimeLimitExceeded")
    assert task["error"]["message"] == "It ran past its time limit of 1 s, at which its process was killed."


def test_a_running_task_is_cancelled_at_its_checkpoint(own, wait_until):
    body = {"task_type": "slow", "data": {"text": "x"}}
    task_id = own.api.post("/api/v1/tasks", json=body).json()["task_id"]
    wait_until(lambda: own.api.get(f"/api/v1/tasks/{task_id}").json()["status"] == "STARTED", 20, "it runs")
    for _ in range(2):
        answer = own.api.delete(f"/api/v1/tasks/{task_id}")
        if answer.status_code in {200, 409}:  # it has ended meanwhile
            break
        assert (answer.status_code, answer.json()["cancel_requested"]) == (202, True)
    assert own.api.get(f"/api/v1/tasks/{task_id}", params={"wait": 20}).json()["status"] == "REVOKED"


def test_a_cancellation_that_comes_too_late_is_told_as_asked_for_then_refused_and_is_on_the_timeline(own, wait_until):
    task_id = own.submitted("heedless", {"text": "x"})
    wait_until(lambda: own.api.get(f"/api/v1/tasks/{task_id}").json()["status"] == "STARTED", 20, "it runs")
    answer = own.api.delete(f"/api/v1/tasks/{task_id}", headers={"X-Request-ID": "LATE-1"})
    assert (answer.status_code, answer.json()["status"], answer.json()["cancel_requested"]) == (202, "STARTED", True)
    assert own.api.get(f"/api/v1/tasks/{task_id}").json()["cancel_requested"]

    ended = own.ended(task_id)
    assert (ended["status"], ended["result"], "cancel_requested" in ended) == ("SUCCESS", "x", False)
    again = own.api.delete(f"/api/v1/tasks/{task_id}")
    assert (again.status_code, again.json()["code"]) == (409, "TASK_FINISHED")
    last = own.api.get(f"/api/v1/tasks/{task_id}/timeline").json()["changes"][-1]
    assert (last["status"], last["cause"]) == ("SUCCESS", "its cancellation came too late")


def test_a_task_that_waits_for_its_retry_is_cancelled_for_good(own, wait_until):
    task_id = own.submitted("come_back", {"text": "once"})
    wait_until(lambda: own.api.get(f"/api/v1/tasks/{task_id}").json()["status"] == "RETRY", 20, "it waits")
    answer = own.api.delete(f"/api/v1/tasks/{task_id}")
    assert (answer.status_code, answer.json()["status"]) == (200, "REVOKED")
    assert own.api.delete(f"/api/v1/tasks/{task_id}").status_code == 409


def test_whenever_a_cancellation_comes_its_answer_is_true(own, wait_until):
    """200: it never has a result. 202: it had not ended. 409: it had."""
    with ThreadPoolExecutor(4) as clients:
        answers = dict(clients.map(lambda number: _raced(own, number), range(RACES)))
    assert len(answers) == RACES
    assert {200, 409} <= set(answers.values())

    def ended():
        tasks = own.api.get("/api/v1/tasks", params={"correlation_id": "RACES", "limit": RACES}).json()["tasks"]
        found = {task["task_id"]: task["status"] for task in tasks}
        return found if set(found.values()) <= {"SUCCESS", "REVOKED"} else None

    statuses = wait_until(ended, 60, "all have ended")
    told = Counter((answer, statuses[task_id]) for task_id, answer in answers.items())
    assert told.keys() <= {(200, "REVOKED"), (202, "REVOKED"), (202, "SUCCESS"), (409, "SUCCESS")}
    for task_id in (task_id for task_id, answer in answers.items() if answer == 202):
        last = own.api.get(f"/api/v1/tasks/{task_id}/timeline").json()["changes"][-1]
        assert ("its cancellation came too late" in last.get("cause", "")) == (statuses[task_id] == "SUCCESS")


def _raced(own, number):
    """A task that is cancelled at some moment, and the answer's status."""
    task_id = own.submitted("echo", {"text": "x"}, "RACES")
    time.sleep(number % 20 / 2000)  # before its start, while it runs, after its end
    answer = own.api.delete(f"/api/v1/tasks/{task_id}")
    if answer.status_code == 409:
        assert own.api.get(f"/api/v1/tasks/{task_id}").json()["status"] == "SUCCESS"
    else:
        assert (answer.status_code == 200) == (answer.json()["status"] == "REVOKED")
    return task_id, answer.status_code
