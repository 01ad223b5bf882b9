"""One replica of the api whose log lines and spans a test reads."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

TASK = {"task_type": "calculate_var", "data": {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150}]}}


@dataclass(frozen=True)
class Span:
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    failed: bool
    attributes: dict[str, Any]
    resource: dict[str, Any]
    events: list[Any]


@dataclass(frozen=True)
class Replica:
    port: int
    process: "subprocess.Popen[str]"
    http: httpx.Client
    folder: Path
    wait_until: Callable[[Callable[[], object], float, str], Any]

    def submit(self, **headers: str) -> httpx.Response:
        return self.http.post("/api/v1/tasks", json=TASK, headers=headers)

    def lines(self, correlation_id: str, action: str = "request.completed") -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in (self.folder / "api.jsonl").read_text().splitlines()]
        return [
            line
            for line in lines
            if line.get("correlation_id") == correlation_id and line.get("event.action") == action
        ]

    def line(self, correlation_id: str, action: str = "request.completed") -> dict[str, Any]:
        """The only one that tells this request's end."""
        self.wait_until(lambda: self.lines(correlation_id, action), 20, f"{correlation_id} has its {action}")
        (line,) = self.lines(correlation_id, action)
        return line

    def spans(self, correlation_id: str = "") -> list[Span]:
        files = (self.folder / "spans").glob("*.jsonl")
        found = [span for file in files for line in file.read_text().splitlines() for span in _spans(json.loads(line))]
        return [span for span in found if correlation_id in ("", span.attributes.get("correlation_id"))]

    def server_span(self, correlation_id: str) -> Span:
        """The only one of this request."""

        def servers() -> list[Span]:
            return [span for span in self.spans(correlation_id) if span.name == "api"]

        self.wait_until(servers, 20, f"{correlation_id} has a server span")
        (span,) = servers()
        return span

    def all_text(self) -> str:
        return "".join(file.read_text() for file in self.folder.rglob("*.jsonl"))


def _spans(export: dict[str, Any]) -> list[Span]:
    return [
        Span(
            span["name"],
            span["kind"],
            span["traceId"],
            span["spanId"],
            span.get("parentSpanId", ""),
            span.get("status", {}).get("code") == 2,
            _attributes(span),
            _attributes(each["resource"]),
            span.get("events", []),
        )
        for each in export["resourceSpans"]
        for scope in each["scopeSpans"]
        for span in scope["spans"]
    ]


def _attributes(of: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: _value(each["value"]) for each in of.get("attributes", [])}


def _value(value: dict[str, Any]) -> Any:
    (kind, told), *_ = value.items()
    if kind == "arrayValue":
        return [_value(each) for each in told["values"]]
    return int(told) if kind == "intValue" else told
