"""What a running task submits, and what Celery's canvas sends, stays in the journey of the request that began it."""

import pytest
from celery import Celery, chain, chord, group

from tests.conftest import is_healthy
from tests.integration.own_processes import FINAL, own_processes
from tests.integration.span_files import attributes


@pytest.fixture(scope="module")
def own(tmp_path_factory, redis_url, wait_until):
    with own_processes(tmp_path_factory.mktemp("children"), redis_url) as running:
        wait_until(lambda: is_healthy(running.api), 90, "the replica sees a worker")
        yield running


@pytest.fixture
def client(own):
    """Celery as anyone has it, which knows no more than the names of tasks."""
    with Celery(broker=own.redis_url, backend=own.redis_url) as stock:
        stock.conf.broker_transport_options = {"priority_steps": [0]}
        stock.conf.task_default_queue = "medium"
        yield stock


@pytest.fixture
def family(own, wait_until):
    """`family(ID, 3)`: the three tasks of a correlation ID at their end."""

    def ended(correlation_id, count):
        def all_of_them():
            found = own.of(correlation_id)
            return found if len(found) == count and {task["status"] for task in found} <= FINAL else None

        return wait_until(all_of_them, 30, f"{count} tasks of {correlation_id} are at their end")

    return ended


def one(tasks, task_type):
    (found,) = [task for task in tasks if task["task_type"] == task_type]
    return found


def assert_child(own, wait_until, child, parent, below):
    """Its record names its parent, and its spans lie below those of the parent in one trace."""
    assert child["parent_id"] == parent["task_id"]
    assert child["trace_id"] == parent["trace_id"]
    kinds = [f"publish {child['queue']}", f"wait {child['queue']}", f"run {child['task_type']}"]
    wait_until(
        lambda: set(kinds) <= {s["name"] for s in own.spans(child["task_id"])}, 10, "the child's spans are written"
    )
    wait_until(lambda: below in {s["name"] for s in own.spans(parent["task_id"])}, 20, "the parent's spans are written")
    spans = {span["name"]: span for span in own.spans(child["task_id"])}
    publish, wait, run = (spans[name] for name in kinds)
    around = [span for span in own.spans(parent["task_id"]) if span["name"] == below]
    assert publish["parentSpanId"] in {span["spanId"] for span in around}
    assert (wait["parentSpanId"], run["parentSpanId"]) == (publish["spanId"], wait["spanId"])
    assert {span["traceId"] for span in (publish, wait, run)} == {child["trace_id"]}
    assert attributes(publish)["parent_id"] == attributes(run)["parent_id"] == parent["task_id"]
    assert {attributes(span)["correlation_id"] for span in (publish, wait, run)} == {parent["correlation_id"]}
    (line,) = own.lines(child["task_id"], "task.submitted")
    assert (line["correlation_id"], line["parent_id"]) == (parent["correlation_id"], parent["task_id"])


def test_tasks_that_tasks_submit_are_children_two_levels_deep(own, family, wait_until):
    top = own.ended(own.submitted("grandparent", {"text": "a"}, "DEEP-1"))
    tasks = family("DEEP-1", 5)
    middle = one(tasks, "parent")
    assert top["result"] == middle["task_id"]
    assert middle["queue"] == "high"
    assert_child(own, wait_until, middle, top, below="delegate")
    echoes = [task for task in tasks if task["task_type"] == "echo"]
    assert [task["task_id"] for task in echoes] == middle["result"]
    assert [task["result"] for task in echoes] == [{"text": "a 1"}, {"text": "a 1"}, {"text": "a 2"}]
    for echo in echoes:
        assert_child(own, wait_until, echo, middle, below="run parent")


def test_a_second_attempt_submits_nothing_twice(own, family):
    parent = own.ended(own.submitted("parent", {"text": "again"}, "AGAIN-1"))
    assert len(parent["attempts"]) == 2
    tasks = family("AGAIN-1", 4)
    assert sorted(parent["result"]) == sorted(task["task_id"] for task in tasks if task["task_type"] == "echo")


def test_a_task_that_sends_with_celery_itself_has_a_child(own, family, wait_until):
    parent = own.ended(own.submitted("sends", {"text": "x"}, "SENDS-1"))
    child = one(family("SENDS-1", 2), "echo")
    assert (parent["result"], child["queue"]) == (child["task_id"], "low")
    assert_child(own, wait_until, child, parent, below="send")


def test_a_chain_is_one_journey(own, client, family, wait_until):
    echo, count = client.signature("echo", args=[{"text": "a b c"}]), client.signature("word_count", queue="low")
    last = chain(echo, client.signature("echo"), count).apply_async(headers={"correlation_id": "CHAIN-1"})
    assert last.get(timeout=30) == {"words": 3}
    tasks = family("CHAIN-1", 3)
    first, second = sorted((t for t in tasks if t["task_type"] == "echo"), key=lambda task: task["submitted_at"])
    assert "parent_id" not in first
    assert_child(own, wait_until, second, first, below="run echo")
    assert_child(own, wait_until, one(tasks, "word_count"), second, below="run echo")


def test_a_group_and_what_comes_after_it_are_one_journey(own, client, family, wait_until):
    headers = {"correlation_id": "CHORD-1"}
    parts = group(client.signature("echo", args=[{"text": text}]).set(headers=headers) for text in ("a", "b", "c"))
    done = chord(parts)(client.signature("gather"))
    assert done.get(timeout=30) == "a b c"
    tasks = family("CHORD-1", 4)
    body = one(tasks, "gather")
    (last,) = [task for task in tasks if task["task_id"] == body["parent_id"]]
    assert_child(own, wait_until, body, last, below="run echo")


def test_a_canvas_that_came_without_an_id_has_one_all_the_same(own, client, wait_until):
    echo = client.signature("echo", args=[{"text": "a b"}])
    last = chain(echo, client.signature("word_count")).apply_async()
    assert last.get(timeout=30) == {"words": 2}
    first, second = (own.ended(task_id) for task_id in (last.parent.id, last.id))
    assert first["correlation_id"] == second["correlation_id"]
    assert second["queue"] == "low"  # the task's own: nobody named another
    assert_child(own, wait_until, second, first, below="run echo")


def test_a_callback_is_a_child(own, client, family, wait_until):
    echo = client.signature("echo", args=[{"text": "a b"}])
    echo.apply_async(link=client.signature("word_count"), headers={"correlation_id": "LINK-1"})
    tasks = family("LINK-1", 2)
    child = one(tasks, "word_count")
    assert (child["result"], child["queue"]) == ({"words": 2}, "low")
    assert_child(own, wait_until, child, one(tasks, "echo"), below="run echo")


def test_what_is_called_after_a_failure_is_a_child(own, client, family, wait_until):
    refuse = client.signature("refuse", args=[{"text": "x"}])
    refuse.apply_async(link_error=client.signature("note_failure"), headers={"correlation_id": "ERROR-1"})
    tasks = family("ERROR-1", 2)
    child, parent = one(tasks, "note_failure"), one(tasks, "refuse")
    assert child["result"] == parent["task_id"]
    assert_child(own, wait_until, child, parent, below="run refuse")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"text": "x", "task_type": "no_such"}, "There is no task type 'no_such'"),
        ({"text": "x", "queue": "urgent"}, "A queue must be high, medium or low, not 'urgent'"),
        ({"text": "x", "data": {"text": 5}}, "data.text: Input should be a valid string"),
    ],
)
def test_a_child_that_cannot_be_a_task_is_an_error_of_its_parent(own, data, error):
    task = own.finished("submits", data)
    assert task["status"] == "FAILURE"
    assert task["error"]["message"].startswith(error)
