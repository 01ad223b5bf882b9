"""What the stack costs: memory and processor of each container, idle and at work, and disk."""

import json
import time
from collections.abc import Callable

from tests.stack.load import send, sending
from tests.stack.searching import all_done, spans_by_name
from tests.stack.stack import NINE, PLANE, Stack
from throughline.journey.elasticsearch_client import Client

Wait = Callable[..., object]
COUNT = 300  # of which the disk for a thousand is reckoned


def test_memory_and_processor_stay_within_the_limits_at_100_requests_a_second(stack: Stack, measured: dict[str, str]):
    idle = _used(stack)
    with sending(stack, f"COST-{time.time_ns()}", 1000, 100) as done:
        time.sleep(5)
        busy = _used(stack)
    assert done[0].refused == []
    measured["answer's p99 at 100 requests a second"] = f"{done[0].p99 * 1000:.0f} ms"
    for name in (*NINE, *PLANE):
        measured[f"{name}: memory, processor; idle → at 100 requests a second"] = f"{idle[name]} → {busy[name]}"
        assert not stack.inspect(name)["State"]["OOMKilled"]


def test_disk_for_requests(stack: Stack, wait_until: Wait, measured: dict[str, str]):
    before, prefix = _stored(stack), f"DISK-{time.time_ns()}"
    done = send(stack, prefix, COUNT, 50)
    wait_until(lambda: all_done(stack, done.accepted.values()), 90, "the tasks are done")
    wait_until(lambda: spans_by_name(stack, prefix)["run calculate_var"] == COUNT, 90, "their spans are stored")
    after = _stored(stack)

    assert after > before
    measured["Elasticsearch's disk for 1,000 requests, lines and spans"] = f"{(after - before) / 1e3 / COUNT:.1f} MB"


def _used(stack: Stack) -> dict[str, str]:
    names = {stack.container(name): name for name in (*NINE, *PLANE)}
    rows = stack.docker("stats", "--no-stream", "--format", "{{json .}}", *names).splitlines()
    used = (json.loads(row) for row in rows)
    return {names[row["Name"]]: f"{row['MemUsage'].split('/')[0].strip()}, {row['CPUPerc']}" for row in used}


def _stored(stack: Stack) -> int:
    """Bytes of the indices' segments, merged to one each: what a merge happens to have freed would hide what came."""
    indices = "logs-throughline-default,jaeger-span-*"
    with Client(stack.url("ELASTICSEARCH"), "elastic", stack.secret("ELASTIC_PASSWORD"), 60) as client:
        client.ask("POST", f"/{indices}/_forcemerge?max_num_segments=1")
        # Not the size of the files: those that were merged away stay for a while.
        answer = client.ask("GET", f"/{indices}/_segments")
    shards = [shard for index in answer["indices"].values() for shard in index["shards"].values()]
    return sum(segment["size_in_bytes"] for (primary,) in shards for segment in primary["segments"].values())
