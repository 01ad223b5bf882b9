"""Writes the configuration of Redis, NGINX and supervisor for one run into var/conf/."""

import grp
import os
import pwd
import re
import resource
import shlex
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Final

from throughline.local import build, nginx_trace, private_file, redis_address
from throughline.local.programs import Program, groups
from throughline.local.run import HOST, ROOT, Run
from throughline.settings import LocalSettings, NginxSettings

_OPEN_FILES: Final = 16_384  # a connection through NGINX takes two
_LOG_SIZE: Final = "50MB"  # and five files before it: what a container keeps is of that order
_LOG_BACKUPS: Final = 5
_SITE_TEMPLATE: Final = "throughline.conf.template"


def write(run: Run, found: Mapping[str, str]) -> None:
    """Writes all of it, and makes the folders that it names."""
    for name in ("conf", "redis", "nginx", "log", "spans"):
        (run.folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    private_file.close_to_others(run.folder)
    conf = run.folder / "conf"
    private_file.write(conf / "redis.conf", _redis(run))
    private_file.write(conf / "nginx.conf", _nginx(run))
    private_file.write(conf / _SITE_TEMPLATE, _site_template(run, found["nginx"]))
    build.note(run, nginx=True)
    write_site(run)
    private_file.write(conf / "supervisord.conf", "\n".join(supervisord(run, groups(run, found))) + "\n")


def write_site(run: Run, drained: Container[str] = ()) -> None:
    """NGINX's own part again, without the replicas that are to get no more requests.

    All else stays as it was at the start, whatever the environment says by now: the other processes keep theirs too.
    """
    conf = run.folder / "conf"
    values = {"API_SERVERS": "\n    ".join(_servers(run, drained)), "SERVICE_VERSION": build.of_nginx(run)}
    site = fill(conf / _SITE_TEMPLATE, values)
    private_file.write(conf / "throughline.conf", site)


def _servers(run: Run, drained: Container[str]) -> Iterator[str]:
    """Of several, each twice: as a backup it is never left out. While all are slow, they are asked all the same."""
    for manner in ("max_fails=2 fail_timeout=10s", "max_fails=0 backup")[: len(run.replicas)]:
        for name in run.replicas:
            yield f"server {HOST}:{run.ports[name]} {manner}{' down' if name in drained else ''};"


def fill(template: Path, values: Mapping[str, str]) -> str:
    """Replaces ${NAME} for the given names only; NGINX's own variables look the same."""
    names = "|".join(map(re.escape, values))
    text = template.read_text(encoding="utf-8")
    return re.sub(rf"\$\{{({names})\}}", lambda match: values[match[1]], text)


def _redis(run: Run) -> str:
    password = redis_address.password(run.redis_url)
    values = {
        "REDIS_PORT": str(run.ports["redis"]),
        "REDIS_DIR": str(run.folder / "redis"),
        "REDIS_MAXMEMORY_MB": str(LocalSettings.load().redis_maxmemory_mb),
        "REDIS_REQUIREPASS": f"requirepass {_quoted(password)}" if password else "",
    }
    return fill(ROOT / "throughline" / "local" / "redis.conf.template", values)


def _nginx(run: Run) -> str:
    values = {
        "NGINX_USER": nginx_user(),
        "NGINX_OPEN_FILES": str(open_files()),
        "NGINX_DIR": str(run.folder / "nginx"),
        "CONF_DIR": str(run.folder / "conf"),
    }
    return fill(ROOT / "throughline" / "local" / "nginx.conf.template", values)


def nginx_user() -> str:
    """As root, NGINX would give its workers to a user who cannot reach var/."""
    if os.geteuid() != 0:
        return ""
    return f"user {pwd.getpwuid(os.getuid()).pw_name} {grp.getgrgid(os.getgid()).gr_name};"


def _site_template(run: Run, nginx: str) -> str:
    """What is left open is which replicas get requests, and NGINX's version."""
    settings = NginxSettings.load()
    traceparent, tracestate = nginx_trace.header_names(nginx)
    values = {
        "NGINX_LISTEN": f"{HOST}:{run.http_port}",
        "MONITOR_SERVER": f"{HOST}:{run.ports['monitor']}",
        "NGINX_SPANS_FILE": _quoted(str(run.nginx_spans)),
        "NGINX_NODE_NAME": "nginx",
        "RATE_LIMIT_PER_SECOND": str(settings.rate_limit_per_second),
        "RATE_LIMIT_BURST": str(settings.rate_limit_burst),
        "ASKS_FOR_KEYS": "keys" if settings.api_keys_file else "",
        "NGINX_SECRET": run.nginx_secret,
        "SAMPLING": nginx_trace.sampling_rules(settings),
        "TRACEPARENT_HEADER": traceparent,
        "TRACESTATE_HEADER": tracestate,
    }
    return fill(ROOT / "nginx" / "throughline.conf.template", values)


def open_files() -> int:
    """As many as are useful and allowed."""
    _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _OPEN_FILES if allowed == resource.RLIM_INFINITY else min(allowed, _OPEN_FILES)


def supervisord(run: Run, programs: Mapping[str, list[Program]]) -> Iterator[str]:
    # Its own files are given relative to var/: supervisor would expand a % in their paths twice.
    yield "[unix_http_server]"
    yield f"file={_literal(run.socket)}"
    yield "chmod=0600"
    yield "[rpcinterface:supervisor]"
    yield "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface"
    yield "[rpcinterface:log_files]"
    yield "supervisor.rpcinterface_factory = throughline.local.log_files:plugin"
    yield "[supervisord]"
    yield f"directory={_literal(run.var)}"
    yield f"umask={private_file.UMASK:03o}"
    yield "logfile=log/supervisord.log"
    yield f"logfile_maxbytes={_LOG_SIZE}"
    yield f"logfile_backups={_LOG_BACKUPS}"
    yield "pidfile=conf/supervisord.pid"
    yield "childlogdir=log"
    yield f"minfds={open_files()}"
    for priority, (group, members) in enumerate(programs.items()):
        if members:
            yield f"[group:{group}]"
            yield f"programs={','.join(program.name for program in members)}"
            yield f"priority={priority}"
        for program in members:
            yield from _program(run, program)


def _program(run: Run, program: Program) -> Iterator[str]:
    environment = {"SERVICE_NODE_NAME": program.name, "NGINX_SECRET": run.nginx_secret, **program.environment}
    yield f"[program:{program.name}]"
    yield f"directory={_literal(str(ROOT))}"
    yield f"command={_literal(shlex.join(program.command))}"
    yield "environment=" + ",".join(f'{name}="{value}"' for name, value in environment.items())
    yield "autorestart=true"
    yield "startretries=20"
    yield f"stopsignal={program.stop_signal}"
    yield f"stopwaitsecs={program.stop_seconds}"
    yield "killasgroup=true"  # after that, a worker's processes too
    yield f"stdout_logfile=log/{program.name}.{program.log}"
    yield f"stderr_logfile=log/{program.name}.err"
    for stream in ("stdout", "stderr"):
        yield f"{stream}_logfile_maxbytes={_LOG_SIZE}"
        yield f"{stream}_logfile_backups={_LOG_BACKUPS}"


def _literal(text: str) -> str:
    return text.replace("%", "%%")  # supervisor expands %(…)s


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
