"""Each kind of REDIS_URL carries a task from the api through a worker to its result, under the monitor's eyes."""

import asyncio
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import redis
import uvloop

from api.queue_service import QueueService
from tests import plain_http
from tests.conftest import free_port, is_healthy
from throughline import redis_url
from throughline.ledger import keys
from throughline.ledger.message import Queue
from throughline.ledger.submission import Submission
from throughline.settings import ApiSettings

PASSWORD = '[@:/%#?" ]\\ü'
# It runs for longer than the request that waits for it takes to come.
TASK = {
    "task_type": "calculate_var",
    "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 2.0}], "simulations": 10_000_000},
}
KINDS = {
    "plain, with no more encoded than must be": "redis://:{raw}@127.0.0.1:{port}/1",
    "TLS with its own authority": "rediss://:{encoded}@127.0.0.1:{tls_port}/2?ssl_ca_certs={certificate}",
    "TLS, unchecked": "rediss://:{encoded}@127.0.0.1:{tls_port}/3?ssl_cert_reqs=CERT_NONE",
    "a socket": "unix://:{encoded}@{socket}?db=5",
}


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> Iterator[dict[str, object]]:
    """A Redis that listens in every way that a REDIS_URL can name."""
    folder = tmp_path_factory.mktemp("redis")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subject = ("-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1")
    files = ("-keyout", str(key), "-out", str(certificate), "-days", "2", "-nodes")
    openssl = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    subprocess.run([*openssl, *files, *subject], check=True, capture_output=True, timeout=20)
    port, tls_port, socket = free_port(), free_port(), folder / "redis.sock"
    escaped = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
    settings = (
        f"port {port}",
        f"tls-port {tls_port}",
        f"tls-cert-file {certificate}",
        f"tls-key-file {key}",
        f"tls-ca-cert-file {certificate}",
        "tls-auth-clients no",
        f"unixsocket {socket}",
        f'requirepass "{escaped}"',
        f"bind 127.0.0.1\ndir {folder}\nsave ''",
    )
    (folder / "redis.conf").write_text("\n".join(settings))
    program = shutil.which("redis-server")
    assert program, "redis-server is not installed: `make setup` installs it"
    with subprocess.Popen([program, folder / "redis.conf"], stdout=subprocess.DEVNULL) as server:
        yield {
            "raw": quote(PASSWORD, safe='[@:" ]\\ü'),
            "encoded": quote(PASSWORD, safe=""),
            "port": port,
            "tls_port": tls_port,
            "socket": socket,
            "certificate": quote(str(certificate)),
        }
        server.terminate()


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_succeeds_whatever_kind_of_url_leads_to_redis(kind, places, start, wait_until, tmp_path: Path):
    url = KINDS[kind].format(**places)
    api, monitor = free_port(), free_port()
    own = {"REDIS_URL": url, "VAR_DIR": str(tmp_path)}
    for command, port in (("uvicorn api.main:app --no-access-log --port", api), ("monitor", monitor)):
        more = {"MONITOR_PORT": str(port)} if command == "monitor" else {}
        words = command.split() if more else [*command.split(), str(port)]
        start(*words, output=tmp_path / f"{port}.log", **own, **more)
    worker = "celery -A worker.app --quiet worker --without-gossip --without-mingle"
    start(*worker.split(), output=tmp_path / "worker.log", SERVICE_NODE_NAME="w", WORKER_CONCURRENCY="1", **own)

    with plain_http.client(f"http://127.0.0.1:{api}", timeout=40) as replica:
        wait_until(lambda: is_healthy(replica), 40, "the api sees Redis and the worker")
        task_id = replica.post("/api/v1/tasks", json=TASK).json()["task_id"]
        task = replica.get(f"/api/v1/tasks/{task_id}", params={"wait": 30}).json()

    assert task["status"] == "SUCCESS"
    with redis.Redis.from_url(redis_url.normalised(url)) as client:
        assert dict(client.pubsub_numsub(keys.FINISHED))[keys.FINISHED.encode()] == 1, "the api listens"
    wait_until(lambda: _alive(monitor) == 1, 20, "the monitor counts the worker")


@pytest.mark.parametrize("loop", [uvloop, asyncio], ids=["uvloop", "asyncio"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_connection_of_the_submissions_is_made_and_ended_whatever_the_url_and_the_loop(kind, loop, places):
    settings = ApiSettings(redis_url=KINDS[kind].format(**places))

    async def story() -> list[str]:
        queue = QueueService(settings)
        tasks = [
            Submission(str(uuid.uuid4()), Queue.LOW, "KINDS-1", b"x" * 200_000, {"queue": "low"})
            for number in range(20)
        ]
        found = await asyncio.gather(*map(queue.submit, tasks))
        await queue.close()
        return [each.outcome for each in found]

    assert loop.run(story()) == ["accepted"] * 20


def _alive(monitor: int) -> float:
    try:
        text = plain_http.get(f"http://127.0.0.1:{monitor}/metrics").text
    except httpx.TransportError:
        return -1
    found = re.search(r"^throughline_workers_alive\S* (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else -1
