"""The blocking client."""

import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self, Unpack

import httpx

from throughline.client import calls, requests, transport
from throughline.client.compression import compressed, is_too_large
from throughline.client.events import BrokenStream, Following, TaskEvent
from throughline.client.exchange import Answer, Call, Lost, Request, T
from throughline.client.listing import Listing, Order, TaskFilters
from throughline.ledger.states import Status


class Client:
    """Submits tasks to a Throughline and follows them. One client serves any number of threads.

        with Client("http://localhost:8080", api_key=key) as client:
            task = client.submit("word_count", {"text": "to be or not to be"}, priority="high")
            print(task.result(timeout=60))

    `timeout` is how many seconds one answer may take, `deadline` how many a call may take with its retries: after 429,
    502, 503, 504 and lost connections, by `Retry-After`. It is at most 300, as long as the service remembers an
    idempotency key: no retry can make a second task. `connections` is the size of the pool.
    """

    def __init__(
        self,
        base_url: str = "http://localhost:8080",
        *,
        api_key: str | None = None,
        timeout: float = 10.0,
        deadline: float = 120.0,
        connections: int = 100,
    ) -> None:
        self._limits = calls.limits(timeout, deadline)
        self._http = httpx.Client(**transport.options(base_url, api_key, connections))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()

    def submit(
        self,
        task_type: str,
        data: Any,
        *,
        priority: str | None = None,
        queue: str | None = None,
        idempotency_key: str | None = None,
        correlation_id: str | None = None,
    ) -> "Handle":
        """Puts a task in its queue, once however often it has to ask; returns when the service has accepted it.

        The task continues the caller's current span. Its correlation ID is the one given here, else that of the current
        work (`throughline.telemetry.correlation`), else a new one.
        """
        request = requests.submission(
            task_type,
            data,
            priority=priority,
            queue=queue,
            idempotency_key=idempotency_key,
            correlation_id=correlation_id,
        )
        if is_too_large(request):
            request = compressed(request)
        submitted = self._run(calls.submit(request, self._limits))
        return Handle(self, submitted.task_id, submitted.correlation_id, submitted.answer)

    def handle(self, task_id: str) -> "Handle":
        """The handle of a task that was submitted elsewhere or earlier; asks nothing."""
        return Handle(self, requests.checked_task_id(task_id))

    def tasks(
        self, *, order: Order = "newest", limit: int | None = None, **filters: Unpack[TaskFilters]
    ) -> Iterator["Handle"]:
        """The tasks that all the filters let through, by submission; asks for the next page when it is needed.

        Without `limit` it goes on to the last task that the service keeps. `listed` of each has what the list told.

            for task in client.tasks(status="FAILURE", submitted_after=datetime.now(UTC) - timedelta(hours=1)):
                print(task.task_id, task.listed["error"]["type"])
        """
        return self._listed(Listing(filters, order, limit))

    def tasks_of(self, correlation_id: str) -> list["Handle"]:
        """All tasks that were submitted under this correlation ID, the oldest first."""
        given = requests.valid_correlation_id(correlation_id)
        return list(self.tasks(correlation_id=given, order="oldest"))

    def _listed(self, listing: Listing) -> Iterator["Handle"]:
        while request := listing.next_page:
            for task in listing.take(self._run(calls.page(request, self._limits))):
                yield Handle(self, task["task_id"], task.get("correlation_id", ""), listed=task)

    def workers(self) -> dict[str, Any]:
        """The workers, what each runs and ran, and the latest deaths: the answer of `GET /api/v1/workers`."""
        return self._run(calls.workers(self._limits))

    def _run(self, call: Call[T]) -> T:
        outcome: Answer | Lost | None = None
        while True:
            try:
                step = call.send(outcome)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Request):
                outcome = self._send(step)
            else:
                outcome = None
                time.sleep(step.seconds)

    def _send(self, request: Request) -> Answer | Lost:
        ends = time.monotonic() + request.seconds
        try:
            with self._http.stream(**transport.arguments(request)) as response:
                return transport.answer_of(response, b"".join(_until(ends, response.iter_bytes())))
        except httpx.RequestError as error:
            return transport.lost(error)

    def _follow(self, following: Following) -> Iterator[TaskEvent]:
        while True:
            silence = following.connecting()
            outcome: Answer | Lost = Lost("the stream of events ended before the task did")
            try:
                with self._http.stream(**transport.arguments(following.request, silence)) as response:
                    if response.status_code != 200:
                        body = b"".join(_until(time.monotonic() + silence, response.iter_bytes()))
                        outcome = transport.answer_of(response, body)
                    else:
                        for chunk in response.iter_bytes():
                            yield from following.take(chunk)
                            if following.ended:
                                return
            except (httpx.RequestError, BrokenStream) as error:
                outcome = transport.lost(error)
            time.sleep(following.pause_after(outcome))


class Handle:
    """An accepted task. `correlation_id` is what its submission was sent under; empty when that is not known.

    `submission` is the service's answer to it (`queue_position`, `estimated_start`, `from_cache`), `listed` what a list
    told of it (all but its result); each is empty for the others.
    """

    def __init__(
        self,
        client: Client,
        task_id: str,
        correlation_id: str = "",
        submission: Mapping[str, Any] | None = None,
        *,
        listed: Mapping[str, Any] | None = None,
    ) -> None:
        self._client = client
        self.task_id = task_id
        self.correlation_id = correlation_id
        self.submission = dict(submission or {})
        self.listed = dict(listed or {})

    def __repr__(self) -> str:
        return f"<task {self.task_id}>"

    def status(self) -> Status:
        """Its state now: PENDING, STARTED, RETRY, SUCCESS, FAILURE or REVOKED."""
        return self._client._run(calls.status(self.task_id, self._client._limits))

    def details(self) -> dict[str, Any]:
        """Everything the API knows about it now: state, times, attempts, result or error."""
        return self._client._run(calls.details(self.task_id, self._client._limits))

    def input(self) -> Any:
        """The data that it was submitted with; raises `TaskDataNotKept` for one that did not come through the API."""
        return self._client._run(calls.task_input(self.task_id, self._client._limits))

    def timeline(self) -> dict[str, Any]:
        """Every change of its state and, until it has ended, where it is now and why."""
        return self._client._run(calls.timeline(self.task_id, self._client._limits))

    def wait(self, timeout: float = 300.0) -> dict[str, Any]:
        """Its details once it has ended, however it ended; raises `ResultTimeout` after so many seconds."""
        return self._client._run(calls.ended(self.task_id, timeout, self._client._limits))

    def result(self, timeout: float = 300.0) -> Any:
        """Its result; raises `TaskFailed`, `TaskRevoked`, `UnreadableResult`, or `ResultTimeout` after that time."""
        return calls.result_of(self.wait(timeout))

    def events(self, timeout: float | None = None) -> Iterator[TaskEvent]:
        """Each change of its state and each step of its progress until it has ended; connects again by itself."""
        return self._client._follow(Following(self.task_id, timeout, self._client._limits))

    def cancel(self) -> Status:
        """REVOKED when it is cancelled for good. Any other state: a worker has it, and it is asked to stop.

        It then stops at its next checkpoint, unless it ends before. Raises `TaskFinished` once it has ended otherwise.
        """
        return self._client._run(calls.cancel(self.task_id, self._client._limits))


def _until(ends: float, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """httpx limits each silence; a whole answer that comes drop by drop has to end too."""
    for chunk in chunks:
        if time.monotonic() > ends:
            raise httpx.ReadTimeout("the answer came too slowly")
        yield chunk
