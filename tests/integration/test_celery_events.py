"""What Celery tells whoever watches (Flower, `celery events`, `celery inspect`) holds nothing of a task's data."""

import threading
from typing import Any, Final

import pytest
from celery import Celery

from throughline.ledger import keys

SECRET: Final = "SECRETCO 471108151.25"
DATA = {"positions": [{"symbol": "SECRETCO", "quantity": 1, "price": 471108151.25}], "simulations": 1_000}
ENDS: Final = {
    "calculate_var": "task-succeeded",
    "echo": "task-succeeded",
    "sends": "task-succeeded",
    "look_up": "task-failed",
    "refuse_by_value": "task-failed",
    "past_the_registry": "task-failed",
    "leave": "task-failed",
    "come_back": "task-retried",
    "stubborn": "task-failed",
}


class Watcher:
    """Who watches: everything that is told, from now on."""

    def __init__(self, url: str) -> None:
        self.app = Celery(broker=url, backend=url)
        self.app.conf.broker_transport_options = {"priority_steps": [0]}
        self.told: list[dict[str, Any]] = []
        self._ends = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)
        self._watching.start()

    def close(self) -> None:
        self._ends.set()
        self._watching.join(20)
        self.app.close()

    def sent(self, name: str, **options: Any) -> str:
        data = DATA if name == "calculate_var" else {"text": SECRET}
        own = {"args": [SECRET]} if name == "past_the_registry" else {"args": [data]}
        return str(self.app.send_task(name, queue="medium", **own | options).id)

    def kinds(self, task_id: str) -> set[str]:
        return {event["type"] for event in self.told if event.get("uuid") == task_id}

    def _watch(self) -> None:
        with self.app.connection_for_read() as connection:
            receiver = self.app.events.Receiver(connection, handlers={"*": self.told.append})
            for _ in receiver.itercapture(limit=None, timeout=None, wakeup=True):
                if self._ends.is_set():
                    return


@pytest.fixture
def watcher(redis_url, broker, start, wait_until, tmp_path):
    options = ["-A", "worker.app", "worker", "-E", "--without-gossip", "--without-mingle"]
    modules = {"TASK_MODULES": "risk,tests.integration.own_tasks", "WORKER_CONCURRENCY": "2"}
    start("celery", *options, output=tmp_path / "worker.jsonl", **modules)
    wait_until(lambda: broker.zcard(keys.WORKERS), 60, "the worker is there")
    watching = Watcher(redis_url)
    wait_until(lambda: watching.told, 30, "events are heard")
    yield watching
    watching.close()


def test_neither_events_nor_answers_to_questions_hold_what_a_task_was_given_or_gave(watcher, wait_until):
    sent = {watcher.sent(name): end for name, end in ENDS.items()}
    sent[watcher.sent("echo", args=[], kwargs={"data": {"text": SECRET}})] = "task-succeeded"
    sent[watcher.sent("echo", args=[], kwargs={SECRET: SECRET})] = "task-failed"
    for task_id, end in sent.items():
        wait_until(lambda of=task_id, wanted=end: wanted in watcher.kinds(of), 30, f"{end} is told")

    later = watcher.sent("come_back", countdown=600)
    wait_until(lambda: "task-received" in watcher.kinds(later), 20, "it is held until it is due")
    running = watcher.sent("slow")
    wait_until(lambda: "task-started" in watcher.kinds(running), 20, "it runs")
    ask = watcher.app.control.inspect(timeout=20, limit=1)  # one worker answers
    answers = [ask.active(), ask.reserved(), ask.scheduled(), ask.query_task(running, later), ask.active(safe=False)]
    told = str(answers) + str(watcher.told)
    assert running in str(answers[0])
    assert later in str(answers[2])
    assert running in str(answers[3])
    assert "KeyError(...)" in told
    assert not [each for each in ("SECRETCO", "471108151", "var_amount") if each in told]
