"""NGINX's file of spans is bounded and always there: nginx/rotate.sh moves a full one away and has it written again."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import plain_http
from tests.conftest import free_port
from throughline.local import configuration
from throughline.local.run import ROOT

CONFIGURATION = """
daemon off; {user} worker_processes 1; pid "{folder}/nginx.pid"; error_log stderr warn;
events {{ worker_connections 64; }}
http {{
  client_body_temp_path "{folder}/body"; proxy_temp_path "{folder}/proxy"; fastcgi_temp_path "{folder}/fastcgi";
  uwsgi_temp_path "{folder}/uwsgi"; scgi_temp_path "{folder}/scgi";
  log_format line '$request_uri';
  server {{ listen 127.0.0.1:{port}; access_log "{folder}/spans/nginx.jsonl" line; location / {{ return 204; }} }}
}}
"""


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Its port and its process."""
    port = free_port()
    written_to = tmp_path / "nginx.conf"
    (tmp_path / "spans").mkdir()
    written_to.write_text(CONFIGURATION.format(folder=tmp_path, port=port, user=configuration.nginx_user()))
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with subprocess.Popen([program, "-e", "stderr", "-c", str(written_to)]) as process:
        yield port, process
        process.terminate()


def written(*files: Path) -> list[str]:
    return [line for file in files if file.exists() for line in file.read_text().splitlines()]


def test_a_full_file_of_spans_is_moved_away_and_no_line_is_lost(
    nginx: tuple[int, "subprocess.Popen[bytes]"], tmp_path: Path, wait_until
):
    port, process = nginx
    spans, before = tmp_path / "spans" / "nginx.jsonl", tmp_path / "spans" / "nginx.jsonl.1"
    paths = [f"/{number:04}" for number in range(300)]
    wait_until(spans.exists, 20, "NGINX has started")
    command = ["sh", str(ROOT / "nginx" / "rotate.sh"), str(process.pid), str(spans), "1000"]
    with subprocess.Popen(command) as rotating, plain_http.client(f"http://127.0.0.1:{port}") as client:
        for path in paths[:250]:
            client.get(path)
        wait_until(before.exists, 20, "the full file was moved away")
        for path in paths[250:]:
            client.get(path)
        # NGINX writes into the old file until it has begun another.
        wait_until(lambda: len(written(before, spans)) >= len(paths), 20, "all lines are written")
        process.terminate()
        process.wait(timeout=10)
        rotating.wait(timeout=10)  # it ends with NGINX
    assert written(before, spans) == paths


@pytest.mark.parametrize("what", ["removed", "moved", "with its folder"])
def test_a_file_of_spans_that_is_gone_is_written_again(
    nginx: tuple[int, "subprocess.Popen[bytes]"], tmp_path: Path, wait_until, what: str
):
    port, process = nginx
    spans = tmp_path / "spans" / "nginx.jsonl"
    wait_until(spans.exists, 20, "NGINX has started")
    command = ["sh", str(ROOT / "nginx" / "rotate.sh"), str(process.pid), str(spans)]
    with subprocess.Popen(command) as rotating, plain_http.client(f"http://127.0.0.1:{port}") as client:
        if what == "with its folder":
            shutil.rmtree(spans.parent)
        elif what == "moved":
            spans.rename(tmp_path / "elsewhere")
        else:
            spans.unlink()
        # NGINX's workers reopen it a moment after their master.
        wait_until(lambda: client.get("/after") and written(spans), 20, "lines are in it again")
        process.terminate()
        process.wait(timeout=10)
        rotating.wait(timeout=10)
