"""What a whole demo writes: only names of the vocabulary, and nothing that the client sent."""

import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.system.nine import ROOT, Nine
from throughline.telemetry import vocabulary

# Of the demo's task: its position, as text and as numbers of their own.
CONFIDENTIAL = re.compile(r"AAPL|portfolio_data|(?<![\w.-])(150(\.0+)?|15000(\.0+)?|986\.\d+)(?![\w.-])")
# What a client sends beside its task.
HIDDEN = {"Idempotency-Key": "s3cret-key", "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
VERSION = "9.8-test"
TYPES: dict[str, tuple[type, ...]] = {
    "keyword": (str,),
    "text": (str,),
    "date": (str,),
    "long": (int,),
    "double": (int, float),
}
KINDS = {"server": 2, "producer": 4, "consumer": 5, "internal": 1}
LEVELS = {"development": {"debug", "info", "notice"}, "staging": {"info", "notice"}, "production": {"notice"}}


@pytest.fixture(scope="module", params=list(LEVELS))
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Nine, str]]:
    """A run in one environment, after a submission with an idempotency key, and what its demo has printed before."""
    own = {
        "ENVIRONMENT": request.param,
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test%20bed",
        "SERVICE_VERSION": VERSION,
    }
    running = Nine(tmp_path_factory.mktemp("demo") / "var", API_REPLICAS="1", WORKER_REPLICAS="1", **own)
    try:
        answer = running.run("demo", "--id", "DEMO-1")
        assert answer.returncode == 0, answer.stderr
        task = {
            "task_type": "calculate_var",
            "data": {"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150}]},
        }
        with running.http() as client:
            for _ in range(2):
                assert client.post("/api/v1/tasks", json=task, headers=HIDDEN).is_success
        yield running, answer.stdout
    finally:
        running.run("down")


@pytest.fixture
def demo(told: tuple[Nine, str]) -> Nine:
    return told[0]


def written(folder: Path) -> Iterator[dict[str, Any]]:
    """Every line; each must be JSON, but for Redis's own log and what was never meant to be lines of ours."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def test_the_demo_prints_the_journey_it_promises(told: tuple[Nine, str]):
    _, printed = told
    for word in ["DEMO-1  SUCCESS in", "waited in high", "simulate 100,000 scenarios", "queue wait", "slowest step: "]:
        assert word in printed
    assert "With 95% confidence it loses no more than 9" in printed
    assert "journey DEMO-1 --logs" in printed


def test_every_line_keeps_to_the_vocabulary(demo: Nine):
    fields, events = vocabulary.load()["fields"], vocabulary.load()["events"]
    lines = list(written(demo.var_dir / "log"))
    assert {line["service.name"] for line in lines} >= {"nginx", "api", "worker", "monitor"}
    assert {line["service.version"] for line in lines} == {VERSION}
    for line in lines:
        for name, value in line.items():
            assert name in fields, line
            assert value is None or isinstance(value, TYPES[fields[name]["type"]]), (name, value)
        if action := line.get("event.action"):
            assert line["service.name"] in events[action]["by"], line


def test_every_span_keeps_to_the_vocabulary_and_carries_the_correlation_id(demo: Nine):
    words = vocabulary.load()
    phases = yaml.safe_load((ROOT / "risk" / "vocabulary.yaml").read_text())["phases"]
    spans = words["spans"] | {name: {"kind": "internal"} for name in phases}
    patterns = {re.sub(r"\\{\w+\\}", ".+", re.escape(name)): span for name, span in spans.items()}
    seen = set()
    for export in written(demo.var_dir / "spans"):
        for resource in export["resourceSpans"]:
            for span in (span for scope in resource["scopeSpans"] for span in scope["spans"]):
                declared = next((p for p in patterns if re.fullmatch(p, span["name"])), "not in the vocabulary")
                assert declared in patterns, span["name"]
                assert span["kind"] == KINDS[patterns[declared]["kind"]]
                names = {attribute["key"] for attribute in span["attributes"]}
                assert names <= words["span_attributes"].keys()
                assert "correlation_id" in names
                seen.add(declared)
    assert len(seen) >= 9, seen


def test_every_process_that_makes_spans_says_what_the_shell_told_of_it(demo: Nine):
    exports = [resource for export in written(demo.var_dir / "spans") for resource in export["resourceSpans"]]
    told = {source["service.name"]: source for source in map(_source, exports)}
    assert {source["service.version"] for source in map(_source, exports)} == {VERSION}
    for service in ("api", "worker"):
        assert told[service]["deployment.environment.name"] == "test bed"
        assert told[service]["service.version"] == VERSION
    assert told["nginx"]["service.version"] == VERSION


def test_each_process_says_once_that_it_has_started_and_a_first_start_is_no_deployment(demo: Nine):
    lines = [line for line in written(demo.var_dir / "log") if "event.action" in line]
    started = sorted(line["service.node.name"] for line in lines if line["event.action"] == "service.started")
    assert started == ["fastapi-1", "monitor", "nginx", "worker-1"]
    assert not [line for line in lines if line["event.action"] == "deployment"]


def test_nginx_tells_which_version_answered_and_does_not_pass_it_on(demo: Nine, wait_until: Callable[..., Any]):
    with demo.http() as client:
        answered = client.get("/health", headers={"X-Request-ID": "ANSWERED-1"})
        refused = client.get("/" + "x" * 9000, headers={"X-Request-ID": "REFUSED-1"})
    assert (answered.json()["version"], refused.status_code) == (VERSION, 414)
    assert "x-service-version" not in answered.headers

    def versions() -> dict[str, str]:
        lines = (line for line in written(demo.var_dir / "log") if "upstream.version" in line)
        return {line["correlation_id"]: line["upstream.version"] for line in lines}

    wait_until(lambda: "ANSWERED-1" in versions() and "none" in versions().values(), 20, "NGINX's lines")
    found = versions()
    assert found["DEMO-1"] == found["ANSWERED-1"] == VERSION


def _source(export: dict[str, Any]) -> dict[str, str]:
    return {each["key"]: each["value"].get("stringValue", "") for each in export["resource"]["attributes"]}


def test_nothing_of_what_the_client_sent_is_written_down(demo: Nine):
    password = (demo.var_dir / "redis" / "password").read_text()
    for folder in ("log", "spans"):
        files = [path for path in (demo.var_dir / folder).iterdir() if path.is_file()]
        assert files
        for path in files:
            text = path.read_text(encoding="utf-8")
            assert password not in text, path
            assert "s3cret-key" not in text, path
            assert "203.0.113.9" not in text, path
            for line in text.splitlines():
                # Sizes, times, process IDs and ports can be any number: the client's may be among them by chance.
                own = re.sub(r'"[\w.@]*(pid|bytes|_ms|seconds|Nano|port|age)[\w.]*":"?[\d.]+"?|127.0.0.1:\d+', "", line)
                own = re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ", "", own)  # supervisor's lines
                assert not CONFIDENTIAL.search(own), (path, line)


def test_the_environment_picks_the_levels(demo: Nine):
    environment = demo.environment["ENVIRONMENT"]
    lines = list(written(demo.var_dir / "log"))
    own = [line for line in lines if line["service.name"] != "nginx" and "event.action" in line]
    assert {line["log.level"] for line in own} - {"warning", "error"} == LEVELS[environment]
    assert {"task.submitted", "task.succeeded"} <= {line["event.action"] for line in own}


def test_no_file_of_a_run_has_what_a_client_sends_in_queries_headers_or_bodies(
    demo: Nine, wait_until: Callable[..., Any]
):
    nine, sent = demo, "s3cret-" + demo.var_dir.parent.name
    for port in (nine.http_port, nine.recorded.ports["fastapi-1"]):
        for request in _telling_requests(sent):
            _send(port, request)
        _send(port, b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Request-ID: LAST-1\r\n\r\n")
    wait_until(lambda: (nine.var_dir / "log" / "nginx.jsonl").read_text().count("LAST-1"), 20, "NGINX's last line")
    wait_until(lambda: (nine.var_dir / "spans" / "fastapi-1.jsonl").read_text().count("LAST-1"), 20, "the last span")

    # Redis's own files hold the tasks that are to be run, and a task's data is the client's.
    files = [path for path in nine.var_dir.rglob("*") if path.is_file() and "appendonlydir" not in path.parts]
    assert len(files) > 20
    assert [path for path in files if sent.encode() in path.read_bytes()] == []


def _telling_requests(sent: str) -> Iterator[bytes]:
    """Each of NGINX's errors and of the problems that can be had with healthy processes."""
    task = {"task_type": "calculate_var", "data": {"positions": [{"symbol": "A", "quantity": sent, "price": 1}]}}
    for line in ("GET /health", "GET /nowhere", "PUT /api/v1/tasks", "TRACE /", "GET /metrics", "GET /journeys/x"):
        yield _request(f"{line}?api_key={sent}", sent)
    yield _request(f"GET http://u:{sent}@127.0.0.1/health", sent)
    yield _request(f"GET /api/v1/tasks?status={sent}", sent)
    yield _request(f"GET /{'x' * 9000}?{sent}", sent)
    yield _request(f"POST /tasks/actions?{sent}", sent, body=sent.encode())
    for body in (f'{{"{sent}'.encode(), json.dumps(task).encode(), b"x" * 1_100_000):
        yield _request(f"POST /api/v1/tasks?{sent}", sent, body=body)
    for header in (f"X-Bad Header: {sent}", sent, f"X-Long: {sent * 900}", f"Transfer-Encoding: {sent}"):
        yield _request("POST /api/v1/tasks", sent, header, body=b"{}")
    yield _request("GET /health", sent, f"X-Request-ID: {sent} x", f"traceparent: {sent}", f"tracestate: a={sent}")
    yield f"GET /x {sent} HTTP/9\r\n\r\n".encode()
    yield f"{sent}\r\n\r\n".encode()


def _request(line: str, sent: str, *more: str, body: bytes = b"") -> bytes:
    headers = [f"{name}: {sent}" for name in ("X-API-Key", "Authorization", "Cookie", "Idempotency-Key")]
    headers += ["Host: 127.0.0.1", "Connection: close", f"Referer: http://u:{sent}@x/?{sent}", *more]
    if body:
        headers += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([f"{line} HTTP/1.1", *headers, "", ""]).encode() + body


def _send(port: int, request: bytes) -> None:
    """Until the server closes; it may do so before it has read all."""
    with socket.create_connection(("127.0.0.1", port), 20) as connection, suppress(OSError):
        connection.sendall(request)
        while connection.recv(65_536):
            pass
