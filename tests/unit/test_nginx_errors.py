"""What NGINX says on its standard error becomes log lines without anything of a request: by nginx/errors.awk."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from throughline.local.run import ROOT
from throughline.telemetry import vocabulary

REQUEST = (
    'client: 127.0.0.1, server: _, request: "GET /SECRET?api_key=SECRET HTTP/1.1", '
    'upstream: "http://127.0.0.1:8081/SECRET?api_key=SECRET", host: "SECRET", referrer: "http://SECRET/"'
)
AT = "2026/11/26 22:17:35"


def told(folder: Path, *lines: str) -> list[dict[str, Any]]:
    (folder / "version").write_text("1.2.3")
    command = ["sh", str(ROOT / "nginx" / "errors.sh"), "nginx-1", str(folder / "version")]
    text = "".join(f"{line}\n" for line in lines).encode(errors="surrogateescape")
    done = subprocess.run(command, input=text, capture_output=True, check=True, timeout=20)
    assert not done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_an_upstream_that_fails_is_told_with_its_address_and_without_the_request(tmp_path: Path):
    failed = "connect() failed (111: Connection refused) while connecting to upstream"
    assert told(tmp_path, f"{AT} [error] 12#13: *7 {failed}, {REQUEST}") == [
        {
            "@timestamp": "2026-11-26T22:17:35.000Z",
            "log.level": "error",
            "message": failed,
            "service.name": "nginx",
            "service.node.name": "nginx-1",
            "service.version": "1.2.3",
            "process.pid": 12,
            "upstream.address": "127.0.0.1:8081",
        }
    ]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            f"*7 client intended to send too large body: 1100 bytes, {REQUEST}",
            "client intended to send too large body: 1",
        ),
        ('*7 open() "/SECRET" failed (28: No space left on device), ' + REQUEST, "open() (left out) failed (28)"),
        ('*7 open() "/a" failed (SECRET) failed (13: x), client: 1', "open() (left out)"),
        ('*7 client sent invalid header line: "X-API-Key: a"b SECRET" while', "client sent invalid header line: (left"),
        (
            '*7 client sent invalid header line: "X: , client: SECRET", ' + REQUEST,
            "client sent invalid header line: (l",
        ),
        ('*7 upstream sent invalid header: "Set-Cookie\\x00: SECRET', "upstream sent invalid header: (left out)"),
        ('*7 pcre2_match() failed: -47 on "SECRET" using "^a$", ' + REQUEST, "pcre2_match() failed: -47 on (left out)"),
        (f'access forbidden by rule "SECRET", {REQUEST}', "access forbidden by rule (left out)"),
    ],
)
def test_nothing_that_a_client_sent_is_left_of_a_line(tmp_path: Path, said: str, message: str):
    (line,) = told(tmp_path, f"{AT} [crit] 12#12: {said}")
    assert "SECRET" not in json.dumps(line)
    assert line["message"].startswith(message)
    assert line["log.level"] == "critical"


def test_what_is_of_the_server_stays_whole_whatever_characters_it_has(tmp_path: Path):
    said = 'open() "/a b/\\var\udcff" failed (13: Permission denied)'
    lines = told(tmp_path, f"{AT} [alert] 3#3: {said}", f"nginx: [warn] {said}")
    assert [line["message"] for line in lines] == ['open() "/a b/\\var?" failed (13: Permission denied)'] * 2
    assert [line["log.level"] for line in lines] == ["critical", "warning"]


def test_a_line_that_is_none_of_nginx_is_not_repeated(tmp_path: Path):
    (line,) = told(tmp_path, "SECRET of somebody's request, broken over two lines")
    assert "SECRET" not in json.dumps(line)


def test_every_field_is_of_the_vocabulary(tmp_path: Path):
    (line,) = told(tmp_path, f"{AT} [error] 1#1: *7 a, {REQUEST}")
    assert line.keys() <= vocabulary.load()["fields"].keys()
