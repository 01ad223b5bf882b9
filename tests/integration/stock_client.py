"""A Celery client that knows nothing of Throughline, and what is seen of its tasks: record, log lines, journey."""

import json
import uuid
from pathlib import Path
from typing import Any

from celery import Celery
from kombu import Connection, pools

from throughline.journey import Journey, assemble, find
from throughline.journey.journey import Request
from throughline.ledger import keys

DATA = {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}]}
FINAL = {"SUCCESS", "FAILURE", "REVOKED"}


class StockClient:
    """`var_dir` is where the worker's log (`log/worker.jsonl`) and spans (`spans/`) are."""

    def __init__(self, url: str, broker: Any, var_dir: Path) -> None:
        self.url, self.broker, self.var_dir = url, broker, var_dir
        self.app = Celery(broker=url, backend=url)
        self.app.conf.broker_transport_options = {"priority_steps": [0]}

    def close(self) -> None:
        """Celery's own close leaves its connections open: to the broker, for results, and for news of them."""
        news = self.app.backend.result_consumer
        news.stop()
        news.subscribed_to.clear()  # a result that is thrown away later would connect again, to unsubscribe
        self.app.backend.client.connection_pool.disconnect()
        self.app.close()
        pools.reset()

    def send(self, name: str = "calculate_var", args: Any = (DATA,), **options: Any) -> str:
        return str(self.app.send_task(name, list(args), queue=options.pop("queue", "medium"), **options).id)

    def publish(self, body: Any = None, **headers: Any) -> str:
        """A message whose headers are none that Celery itself would write; None in the place of one leaves it out."""
        task_id = str(headers.get("id", uuid.uuid4()))
        sent = {"lang": "py", "task": "calculate_var", "id": task_id, "root_id": task_id, "retries": 0} | headers
        content = [[DATA], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
        with Connection(self.url, transport_options={"priority_steps": [0]}) as connection:
            producer = connection.Producer(serializer="json")
            producer.publish(content if body is None else body, routing_key="medium", headers=sent)
        return task_id

    def record(self, task_id: str) -> dict[str, str]:
        found: dict[str, str] = self.broker.hgetall(keys.task(task_id))
        return found

    def has_ended(self, task_id: str) -> bool:
        return self.record(task_id).get("status") in FINAL

    def celery_result(self, task_id: str) -> Any:
        """What the task gave, as Celery's own client would read it."""
        return json.loads(self.broker.get(keys.celery_result(task_id)))["result"]

    def journey(self, task_id: str) -> Journey:
        """Found by the correlation ID that the task's record names."""
        correlation_id = self.record(task_id)["correlation_id"]
        return assemble(correlation_id, find(self.var_dir, correlation_id))

    def request(self, task_id: str) -> Request | None:
        """The task in its journey, as soon as something of it is written."""
        tasks = (request for request in self.journey(task_id).requests if request.task_id == task_id)
        return next(tasks, None)

    def lines(self, task_id: str) -> list[dict[str, Any]]:
        """The events of the task, oldest first."""
        return [line for line in self.all_lines() if line.get("task_id") == task_id]

    def all_lines(self) -> list[dict[str, Any]]:
        """The events of all tasks."""
        text = (self.var_dir / "log" / "worker.jsonl").read_text()
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event.action", "").startswith("task.")]
