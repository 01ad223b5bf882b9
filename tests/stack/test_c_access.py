"""Who may reach what."""

import json

import httpx
import pytest
import redis

from tests import plain_http
from tests.stack.stack import NINE, PLANE, Stack

SEARCH = "/logs-throughline-default/_search"


@pytest.mark.parametrize("auth", [None, ("elastic", "wrong"), ("throughline_reader", "")])
def test_elasticsearch_refuses_without_the_right_password(stack: Stack, auth: tuple[str, str] | None):
    answer = plain_http.get(stack.url("ELASTICSEARCH") + SEARCH, auth=auth)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("user", "secret", "method", "path"),
    [
        ("throughline_filebeat", "FILEBEAT_PASSWORD", "GET", SEARCH),
        ("throughline_filebeat", "FILEBEAT_PASSWORD", "DELETE", "/logs-throughline-default"),
        ("throughline_jaeger", "JAEGER_PASSWORD", "GET", SEARCH),
        ("throughline_jaeger", "JAEGER_PASSWORD", "DELETE", "/_index_template/throughline-jaeger-span"),
        ("throughline_reader", "READER_PASSWORD", "POST", "/logs-throughline-default/_doc"),
        ("throughline_reader", "READER_PASSWORD", "GET", "/_security/user"),
    ],
)
def test_a_user_has_only_the_rights_that_it_needs(stack: Stack, user: str, secret: str, method: str, path: str):
    answer = httpx.request(
        method,
        stack.url("ELASTICSEARCH") + path,
        json={"@timestamp": "2026-01-01T00:00:00Z"} if method == "POST" else None,
        auth=(user, stack.secret(secret)),
        trust_env=False,
    )
    assert answer.status_code == 403


def test_redis_refuses_without_a_password(stack: Stack):
    with redis.Redis(port=stack.ports["REDIS"], socket_timeout=5) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_from_the_clients_network_only_nginx_answers(stack: Stack):
    doors = [(network["IPAddress"], name) for name in (*NINE, *PLANE) for network in _networks(stack, name)]
    ports = (80, 8000, 6379, 8084, 9200, 9300, 16686, 4317, 4318, 8085, 8888, 8889, 9090, 9093, 13133, 5066)
    program = f"""
import json, socket
from concurrent.futures import ThreadPoolExecutor
def is_open(door):
    (address, _), port = door
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex((address, port)) == 0
doors = [(place, port) for place in {doors!r} for port in {ports!r}]
with ThreadPoolExecutor(64) as pool:
    answers = list(pool.map(is_open, doors))
print(json.dumps([[name, port] for ((_, name), port), yes in zip(doors, answers) if yes]))
"""
    run = ("run", "--rm", "--network", f"{stack.project}_clients", "python:3.13-slim", "python3", "-c", program)
    assert {tuple(door) for door in json.loads(stack.docker(*run))} == {("nginx", 80)}


def test_no_secret_is_in_a_log_or_on_a_command_line(stack: Stack):
    secrets = [line.split("=")[1] for line in stack.env_file.read_text().splitlines()]
    assert len(secrets) == 12
    for name in (*NINE, *PLANE):
        shown = stack.docker("logs", stack.container(name)) + stack.docker("top", stack.container(name))
        assert not [secret for secret in secrets if secret in shown], name


def test_the_passwords_are_private_and_stay(stack: Stack):
    before = stack.env_file.read_text()
    assert stack.env_file.stat().st_mode & 0o077 == 0
    stack.docker("version")
    stack.compose("config", "--quiet")
    assert stack.env_file.read_text() == before


def _networks(stack: Stack, name: str) -> list[dict[str, str]]:
    return list(stack.inspect(name)["NetworkSettings"]["Networks"].values())
