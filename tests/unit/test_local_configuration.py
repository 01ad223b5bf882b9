"""The configuration of Redis, NGINX and supervisor, as written for one run."""

from configparser import RawConfigParser
from dataclasses import replace
from pathlib import Path

import pytest

from throughline.local import configuration, nginx_trace
from throughline.local.run import Run
from throughline.settings import NginxSettings

FOUND = {"nginx": "/usr/sbin/nginx", "redis-server": "/usr/bin/redis-server"}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(
        var=str(tmp_path / "100% var"),
        http_port=9000,
        redis_url="redis://:p%40ss%22word@127.0.0.1:9005/0",
        api_replicas=2,
        worker_replicas=1,
        socket="/tmp/throughline/supervisor.sock",
    )
    configuration.write(run, FOUND)
    return run


def conf(run: Run, name: str) -> str:
    return (run.folder / "conf" / name).read_text()


def test_only_placeholders_of_ours_are_filled_in(tmp_path: Path):
    template = tmp_path / "template"
    template.write_text("listen ${NGINX_LISTEN}; map $end_s ${end_s}${end_ms}000;")

    assert configuration.fill(template, {"NGINX_LISTEN": "80"}) == "listen 80; map $end_s ${end_s}${end_ms}000;"


def test_no_placeholder_of_the_templates_is_left(run: Run):
    for name in ("redis.conf", "nginx.conf", "throughline.conf"):
        assert "${NGINX" not in conf(run, name)
        assert "${API" not in conf(run, name)
        assert "${REDIS" not in conf(run, name)
        assert "${SERVICE" not in conf(run, name)


def test_redis_listens_on_loopback_and_wants_the_password(run: Run):
    lines = conf(run, "redis.conf").splitlines()

    assert "bind 127.0.0.1" in lines
    assert "port 9005" in lines
    assert 'requirepass "p@ss\\"word"' in lines
    assert "maxmemory-policy noeviction" in lines


def test_nginx_knows_each_replica_and_only_those(run: Run):
    site = conf(run, "throughline.conf")

    assert "listen 127.0.0.1:9000 " in site
    assert site.count("max_fails=2 ") == site.count("max_fails=0 backup;") == 2
    assert "server 127.0.0.1:9002 max_fails=2 fail_timeout=10s;" in site


def test_a_change_of_replicas_leaves_nginx_the_settings_of_the_start(run: Run, monkeypatch: pytest.MonkeyPatch):
    started = conf(run, "throughline.conf")
    monkeypatch.setattr(NginxSettings, "_loaded", {})
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    monkeypatch.setenv("RATE_LIMIT_BURST", "7")
    configuration.write_site(run, ["fastapi-2"])
    assert conf(run, "throughline.conf").replace(" down;", ";") == started
    assert conf(run, "throughline.conf").count(" down;") == 2


@pytest.mark.parametrize(
    ("told", "traceparent"),
    [
        ("nginx version: nginx/1.22.1", "X-Nginx-Traceparent"),
        ("nginx version: nginx/1.9.15 (Ubuntu)", "X-Nginx-Traceparent"),
        ("nginx version: nginx/1.23.0", "traceparent"),
        ("nginx version: nginx/1.26.3", "traceparent"),
        ("nginx version: nginx/2.0.1", "traceparent"),
        ("something else", "traceparent"),
    ],
)
def test_an_nginx_that_sees_only_first_headers_leaves_them_to_the_replica(tmp_path: Path, told: str, traceparent: str):
    nginx = tmp_path / "nginx"
    nginx.write_text(f"#!/bin/sh\necho '{told}' >&2\n")
    nginx.chmod(0o755)
    assert nginx_trace.header_names(str(nginx))[0] == traceparent


def test_a_file_with_a_password_is_readable_by_its_owner_only(run: Run):
    for file in (run.folder / "conf").iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


def test_redis_starts_first_and_so_stops_last(run: Run):
    supervisord = RawConfigParser()
    supervisord.read_string(conf(run, "supervisord.conf"))

    groups = [name for name in supervisord.sections() if name.startswith("group:")]
    by_priority = sorted(groups, key=lambda name: supervisord.getint(name, "priority"))
    assert by_priority == ["group:redis", "group:workers", "group:api", "group:monitor", "group:nginx"]


def test_every_process_has_its_name_and_comes_back(run: Run):
    supervisord = RawConfigParser()
    supervisord.read_string(conf(run, "supervisord.conf"))

    programs = [name for name in supervisord.sections() if name.startswith("program:")]
    assert {name.partition(":")[2] for name in programs} == set(run.names)
    for name in programs:
        assert supervisord.get(name, "autorestart") == "true"
        assert f'SERVICE_NODE_NAME="{name.partition(":")[2]}"' in supervisord.get(name, "environment")


def test_supervisor_waits_for_a_worker_as_long_as_the_worker_believes(run: Run):
    supervisord = RawConfigParser()
    configuration.write(replace(run, worker_kill_seconds=90), FOUND)
    supervisord.read_string(conf(run, "supervisord.conf"))

    assert supervisord.get("program:worker-1", "stopwaitsecs") == "90"


def test_supervisor_does_not_expand_a_percent_sign(run: Run):
    supervisord = RawConfigParser()
    supervisord.read_string(conf(run, "supervisord.conf"))

    assert "worker-1@%%h" in supervisord.get("program:worker-1", "command")
    assert "100%% var" in supervisord.get("program:nginx", "command")
