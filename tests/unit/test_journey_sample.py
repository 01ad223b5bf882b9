"""The sample that the journey's tests read: written by the real exporter and in NGINX's real formats."""

import io
import json
import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import orjson
from opentelemetry.exporter.otlp.json.file import FileSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode

from throughline.journey import Journey, assemble, find
from throughline.journey.journey import Request
from throughline.telemetry import correlation
from throughline.telemetry.log_line import JsonLine

ID = "ABC-1"
START_MS = 1_795_531_512_123  # 2026-11-24T14:45:12.123Z
_TEMPLATE = Path(__file__).parents[2] / "nginx" / "throughline.conf.template"
_KINDS = {"nginx": SpanKind.SERVER, "api": SpanKind.SERVER, "publish": SpanKind.PRODUCER, "run": SpanKind.CONSUMER}


@dataclass(frozen=True)
class Task:
    """The IDs under which a sample request was written."""

    trace: int
    task_id: str
    nginx: int
    api: int
    publish: int
    wait: int
    run: int


class Sample:
    """A var dir to write to. Times are milliseconds since the sample's start; IDs count up from 1."""

    def __init__(self, var_dir: Path) -> None:
        self.var_dir = var_dir
        self._ids = count(1)
        for folder in ("log", "spans"):
            (var_dir / folder).mkdir(parents=True)

    def new_id(self) -> int:
        return next(self._ids)

    def write(self, file: str, text: bytes) -> None:
        with (self.var_dir / file).open("ab") as opened:
            opened.write(text)

    def log(self, at_ms: float, message: str, *, service: str = "api", node: str = "fastapi-2", **fields: Any) -> None:
        own = {"@timestamp": timestamp(at_ms), "log.level": "info", "message": message}
        line = own | {"service.name": service, "service.node.name": node} | fields
        self.write(f"log/{node}.jsonl", orjson.dumps(line) + b"\n")

    def export(self, node: str, *spans: ReadableSpan) -> None:
        self.write(f"spans/{node}.jsonl", exported(*spans))

    def span(self, name: str, start_ms: float, end_ms: float, ids: tuple[int, int, int], **attributes: Any) -> None:
        """One span in an export of its own; `ids` are trace, span and parent (0: none)."""
        role = name.partition(" ")[0]
        service = attributes.pop("service", "api" if role in {"api", "publish"} else "worker")
        node = attributes.pop("node", {"api": "fastapi-2", "worker": "worker-2"}[service])
        self.export(node, readable(name, start_ms, end_ms, ids, service=service, node=node, **attributes))

    def nginx(
        self,
        end_ms: int,
        took_s: str,
        ids: tuple[int, int, int],
        correlation_id: str,
        request: str,
        status: int,
        task_type: str = "",
    ) -> None:
        method, path = request.split(" ")
        trace, span, parent = ids
        values = {
            "end_ns": f"{START_MS + end_ms}000000",
            "request_time": took_s,
            "trace_id": f"{trace:032x}",
            "span_id": f"{span:016x}",
            "parent_span_id": f"{parent:016x}" if parent else "",
            "tracestate": "",
            "correlation_id": correlation_id,
            "method": method,
            "url_path": path,
            "status": str(status),
            "upstream_addr": "127.0.0.1:8082",
            "upstream_version": "1.0",
            "upstream_node": "fastapi-1",
            "upstream_http_x_task_type": task_type,
        }
        self.write("spans/nginx.jsonl", nginx_line("span_line", values))

    def submission(
        self,
        correlation_id: str,
        at_ms: int = 0,
        *,
        trace: int = 0,
        client_span: int = 0,
        queue: str = "high",
        task_type: str = "calculate_var",
    ) -> Task:
        """A task taken in: NGINX 0…6 ms, api 1…5, publish 2…4 after `at_ms`."""
        ids = [self.new_id() for _ in range(6)]
        task = Task(trace or ids[0], f"task-{ids[0]}", *ids[1:])
        common = {"correlation_id": correlation_id}
        http = {"http.request.method": "POST", "url.path": "/api/v1/tasks", "http.response.status_code": 201}
        of_task = common | {"task_id": task.task_id}
        publish, api = (task.trace, task.publish, task.api), (task.trace, task.api, task.nginx)
        position = {"queue": queue, "queue_position": 1, "task_type": task_type}
        self.span(f"publish {queue}", at_ms + 2, at_ms + 4, publish, **of_task, **position)
        self.span("api", at_ms + 1, at_ms + 5, api, **of_task, **http, task_type=task_type)
        request = "POST /api/v1/tasks"
        nginx = (task.trace, task.nginx, client_span)
        self.nginx(at_ms + 6, "0.006", nginx, correlation_id, request, 201, task_type)
        return task

    def run(self, task: Task, correlation_id: str, start_ms: int, end_ms: int, **attributes: Any) -> None:
        """An attempt from `start_ms` to `end_ms`, after a wait since `published` (3 ms after the request's start)."""
        of_task = {"correlation_id": correlation_id, "task_id": task.task_id}
        published = attributes.pop("published", 3)
        wait, run = attributes.pop("ids", (task.wait, task.run))
        outcome = {"task_type": "calculate_var", "attempt": 1, "status": "SUCCESS"} | attributes
        of_wait = {"queue": "high", "task_type": outcome["task_type"], "attempt": outcome["attempt"]}
        of_wait |= {"version": outcome["version"]} if "version" in outcome else {}
        self.span("wait high", published, start_ms, (task.trace, wait, task.publish), **of_task, **of_wait)
        self.span("run calculate_var", start_ms, end_ms, (task.trace, run, wait), **of_task, **outcome)

    def phase(self, name: str, start_ms: float, end_ms: float, task: Task, correlation_id: str, **more: Any) -> None:
        ids = (task.trace, self.new_id(), task.run)
        own = {"phase": True, "task_type": "calculate_var"} | more
        self.span(name, start_ms, end_ms, ids, correlation_id=correlation_id, task_id=task.task_id, **own)

    def complete(self, correlation_id: str, at_ms: int = 0, *, trace: int = 0, client_span: int = 0) -> Task:
        """A task taken in and run: waits 3…10 ms, runs 10…110, of which `simulate` 20…100."""
        task = self.submission(correlation_id, at_ms, trace=trace, client_span=client_span)
        self.run(task, correlation_id, at_ms + 10, at_ms + 110, published=at_ms + 3)
        self.phase("simulate", at_ms + 20, at_ms + 100, task, correlation_id, simulations=100_000)
        return task

    def read(self, correlation_id: str, at_ms: int, path: str = "/api/v1/tasks/task-1", status: int = 200) -> None:
        trace, nginx, api = self.new_id(), self.new_id(), self.new_id()
        http = {"http.request.method": "GET", "url.path": path, "http.response.status_code": status}
        self.span("api", at_ms, at_ms + 1, (trace, api, nginx), correlation_id=correlation_id, **http)
        self.nginx(at_ms + 2, "0.002", (trace, nginx, 0), correlation_id, f"GET {path}", status)


def journey(sample: Sample, correlation_id: str = ID) -> Journey:
    return assemble(correlation_id, find(sample.var_dir, correlation_id))


def only_request(sample: Sample, correlation_id: str = ID) -> Request:
    (request,) = journey(sample, correlation_id).requests
    return request


def timestamp(at_ms: float) -> str:
    return datetime.fromtimestamp((START_MS + at_ms) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def readable(
    name: str, start_ms: float, end_ms: float, ids: tuple[int, int, int], *, service: str, node: str, **attributes: Any
) -> ReadableSpan:
    trace, span, parent = ids
    failed = "error.type" in attributes
    version = attributes.pop("version", "1.0")
    return ReadableSpan(
        name,
        context=SpanContext(trace, span, is_remote=False),
        parent=SpanContext(trace, parent, is_remote=True) if parent else None,
        resource=Resource({"service.name": service, "service.instance.id": node, "service.version": version}),
        attributes=attributes,
        kind=_KINDS.get(name.partition(" ")[0], SpanKind.INTERNAL),
        status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
        start_time=START_MS * 10**6 + round(start_ms * 10**6),
        end_time=START_MS * 10**6 + round(end_ms * 10**6),
    )


def exported(*spans: ReadableSpan) -> bytes:
    stream = io.StringIO()
    FileSpanExporter(stream=stream).export(spans)
    return stream.getvalue().encode()


def nginx_line(log_format: str, values: dict[str, str]) -> bytes:
    """What NGINX writes: its configuration's own format with the variables filled in."""
    text = _TEMPLATE.read_text()
    block = re.search(rf"log_format {log_format} escape=json\n(.*?);\n", text, re.DOTALL)
    assert block
    line = (
        "".join(re.findall(r"'(.*)'", block[1]))
        .replace("${NGINX_NODE_NAME}", "nginx")
        .replace("${SERVICE_VERSION}", "1.0")
    )
    return re.sub(r"\$(\w+)", lambda variable: values[variable[1]], line).encode() + b"\n"


def test_the_search_finds_what_the_exporter_writes(tmp_path: Path):
    sample = Sample(tmp_path)
    attributes = {"correlation_id": "ABC-1", "attempt": 2, "status": "RETRY", "error.type": "ConnectionError"}
    sample.span("run calculate_var", 1.25, 9, (7, 8, 9), **attributes)

    (span,) = find(tmp_path, "ABC-1").spans

    assert (span.name, span.service, span.node, span.failed) == ("run calculate_var", "worker", "worker-2", True)
    assert (span.trace_id, span.span_id, span.parent_id) == (f"{7:032x}", f"{8:016x}", f"{9:016x}")
    assert (span.start_ns, span.end_ns) == (START_MS * 10**6 + 1_250_000, START_MS * 10**6 + 9_000_000)
    assert span.attributes == attributes


def test_the_search_finds_what_nginx_writes(tmp_path: Path):
    sample = Sample(tmp_path)
    sample.nginx(12, "0.012", (7, 8, 0), "ABC-1", "POST /api/v1/tasks", 201)
    values = {
        "timestamp": "2026-11-24T14:45:12.135+00:00",
        "log_level": "info",
        "method": "POST",
        "url_path": "/api/v1/tasks",
        "status": "201",
        "pid": "1",
        "correlation_id": "ABC-1",
        "trace_id": f"{7:032x}",
        "span_id": f"{8:016x}",
        "body_bytes_sent": "100",
        "duration_ms": "12",
        "upstream_addr": "127.0.0.1:8082",
        "upstream_version": "1.0",
        "upstream_node": "fastapi-1",
        "upstream_duration_ms": "11",
    }
    sample.write("log/nginx.jsonl", nginx_line("access_line", values))

    found = find(tmp_path, "ABC-1")

    assert [line["message"] for line in found.log_lines] == ["POST /api/v1/tasks answered 201"]
    (span,) = found.spans
    assert (span.name, span.service, span.parent_id) == ("nginx", "nginx", "")
    assert span.attributes["http.response.status_code"] == 201


def test_the_search_finds_what_the_log_formatter_writes(tmp_path: Path):
    sample = Sample(tmp_path)
    record = logging.LogRecord("throughline", logging.INFO, "file", 1, "Begins", None, None)
    with correlation.bound("ABC-1", "task-1"):
        line = JsonLine("worker", "worker-2", "1.0").format(record)
    sample.write("log/worker-2.jsonl", line.encode() + b"\n")

    assert find(tmp_path, "ABC-1").log_lines == [json.loads(line)]
