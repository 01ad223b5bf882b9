"""NGINX alone, with its template as a local run fills it in, and a server that remembers what it passes on."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import raw_request
from tests.conftest import free_port
from tests.json_server import Server
from tests.trace_context_cases import SPAN, TRACE, Case
from throughline.local import configuration
from throughline.local.run import Run
from throughline.settings import NginxSettings
from throughline.telemetry import trace_context

PROGRAM = shutil.which("nginx") or "/usr/sbin/nginx"
JOINING_NAMES = ("traceparent", "tracestate")  # of what an NGINX passes on that sees all headers of one name
Wait = Callable[..., Any]


class Nginx(NamedTuple):
    port: int
    folder: Path
    replica: Server

    def passed_on(self, headers: list[tuple[str, str]]) -> Message:
        """What the replica gets of a request with these headers."""
        assert raw_request.send(self.port, "/health", headers) == 200
        return self.replica.headers[-1]

    def written(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]

    def lines(self) -> list[dict[str, Any]]:
        return self.written("access.jsonl")

    def spans(self) -> list[dict[str, Any]]:
        exports = self.written("var/spans/nginx.jsonl")
        return [export["resourceSpans"][0]["scopeSpans"][0]["spans"][0] for export in exports]


@contextmanager
def started(
    folder: Path,
    wait_until: Wait,
    *program: str,
    first: str = "",
    replicas: Sequence[str] = (),
    api: str = "",
    monitor: str = "",
    **environment: str,
) -> Iterator[Nginx]:
    """It and what stands for a replica, with the settings that these variables make; `program` starts another NGINX.

    With `first`, the address of another such, a request only comes to this one when that does not answer; with the
    addresses of `replicas`, to these alone. `api` and `monitor` are the ports of real ones, where there are any.
    """
    with pytest.MonkeyPatch.context() as patch, Server() as replica:
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(NginxSettings, "_loaded", {})
        secret = environment.get("NGINX_SECRET", "")
        count = max(1, len(replicas))
        run = Run(str(folder / "var"), free_port(), "redis://127.0.0.1:1/0", count, 1, "", nginx_secret=secret)
        configuration.write(run, {"nginx": PROGRAM, "redis-server": ""})
        site = run.folder / "conf" / "throughline.conf"
        port = api or replica.http.server_port
        own = f"{first} max_fails=2 fail_timeout=10s; server 127.0.0.1:{port} backup" if first else f"127.0.0.1:{port}"
        text = site.read_text()
        for name, servers in zip(run.replicas, replicas or (own,), strict=True):
            text = text.replace(f"127.0.0.1:{run.ports[name]}", servers)
        text = text.replace("proxy_read_timeout 20s;", "proxy_read_timeout 7s;")  # no test waits so long
        site.write_text(text.replace(f":{run.ports['monitor']};", f":{monitor or run.ports['monitor']};"))
        command = [*(program or (PROGRAM,)), "-e", "stderr", "-c", str(run.folder / "conf" / "nginx.conf")]
        with (folder / "access.jsonl").open("ab") as lines, subprocess.Popen(command, stdout=lines) as process:
            try:
                wait_until((run.folder / "nginx" / "nginx.pid").exists, 10, "NGINX has started")
                yield Nginx(run.http_port, folder, replica)
            finally:
                process.terminate()


def assert_read(nginx: Nginx, case: Case) -> None:
    """It makes of the two headers what the specification says, and leaves nothing wrong to the replica."""
    sent = nginx.passed_on(case.headers)
    (traceparent,) = sent.get_all("traceparent", [])
    version, trace_id, span_id, flags = traceparent.split("-")
    assert (version, trace_id == TRACE, flags) == ("00", bool(case.flags), case.flags or "03")
    assert span_id != SPAN
    passed = trace_context.span_context((traceparent,), sent.get_all("tracestate", []))
    assert passed is not None
    assert passed.trace_state.to_header() == case.state
    assert len(sent.get_all("tracestate", [])) == bool(case.state)
