"""What the stack costs: memory and processor of each container, idle and at work, and disk."""

import json
import time

from tests.stack.load import send, sending
from tests.stack.stack import NINE, PLANE, Stack


def test_memory_and_processor_stay_within_the_limits_at_100_requests_a_second(stack: Stack, measured: dict[str, str]):
    idle = _used(stack)
    with sending(stack, f"COST-{time.time_ns()}", 1500, 100) as done:
        time.sleep(8)
        busy = _used(stack)
    assert done[0].refused == []
    measured["answer's p99 at 100 requests a second"] = f"{done[0].p99 * 1000:.0f} ms"
    for name in (*NINE, *PLANE):
        measured[f"{name}: memory, processor; idle → at 100 requests a second"] = f"{idle[name]} → {busy[name]}"
        assert not stack.inspect(name)["State"]["OOMKilled"]


def test_disk_for_a_thousand_requests(stack: Stack, measured: dict[str, str]):
    before = _stored(stack)
    send(stack, f"DISK-{time.time_ns()}", 1000, 60)
    time.sleep(10)
    after = _stored(stack)

    assert after > before
    measured["Elasticsearch's disk for 1,000 requests, lines and spans"] = f"{(after - before) / 1e6:.1f} MB"


def _used(stack: Stack) -> dict[str, str]:
    names = {stack.container(name): name for name in (*NINE, *PLANE)}
    rows = stack.docker("stats", "--no-stream", "--format", "{{json .}}", *names).splitlines()
    used = (json.loads(row) for row in rows)
    return {names[row["Name"]]: f"{row['MemUsage'].split('/')[0].strip()}, {row['CPUPerc']}" for row in used}


def _stored(stack: Stack) -> int:
    with stack.reader() as client:
        client.ask("POST", "/logs-throughline-default,jaeger-span-*/_search", {"size": 0})
    program = "du -sb /usr/share/elasticsearch/data | cut -f1"
    return int(stack.docker("exec", stack.container("elasticsearch"), "sh", "-c", program))
