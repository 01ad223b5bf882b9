"""`python -m monitor.plane.setup`: declares users, roles and templates. Safe to run again."""

import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from monitor.plane import templates
from throughline.journey.elasticsearch_client import Client, Unanswered
from throughline.settings import PlaneSettings
from throughline.telemetry import logging as log_lines

_logger: Final = logging.getLogger("throughline.setup")
_PATIENCE_SECONDS: Final = 120


def main() -> int:
    """0 when everything is declared."""
    settings = PlaneSettings.load()
    log_lines.setup("setup", settings)
    url, user, password = settings.elasticsearch_url, settings.elasticsearch_user, settings.elasticsearch_password
    with Client(url, user, password, ca_file=settings.elasticsearch_ca_file) as client:
        try:
            _wait_for(client)
            set_up(client, os.environ)
        except Unanswered as error:
            _logger.error("%s", error)
            return 1
        except KeyError as missing:
            _logger.error("The environment lacks %s: `make env` makes it", missing)
            return 1
    return 0


def set_up(client: Client, environment: Mapping[str, str]) -> None:
    """Declares all of it, each in the place of the one before; users last, so that what they write has its template."""
    for path, body in (*_templates(client), *_security(environment)):
        client.ask("PUT", path, body)
        _logger.info("Declared %s", path)
    if not _removes_old_lines(client):
        _logger.warning("This Elasticsearch has no data stream lifecycle: lines older than 7 days stay")


def _security(environment: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    text = templates.FOLDER.joinpath("access.yaml").read_text(encoding="utf-8")
    access = yaml.safe_load(text)
    for name, role in access["roles"].items():
        yield f"/_security/role/{name}", role
    for name, user in access["users"].items():
        yield f"/_security/user/{name}", user | {"password": environment[user["password"]]}
    for name, variable in access["built_in"].items():
        if environment[variable]:  # empty: that of an Elasticsearch of the user's stays
            yield f"/_security/user/{name}/_password", {"password": environment[variable]}


def _templates(client: Client) -> Iterator[tuple[str, dict[str, Any]]]:
    declared = templates.all_templates()
    if _has(client, "/_ilm/policy"):
        delete = {"min_age": templates.RETENTION, "actions": {"delete": {}}}
        yield "/_ilm/policy/throughline", {"policy": {"phases": {"hot": {"actions": {}}, "delete": delete}}}
        # Jaeger begins an index each day; a service's name is in a new one the next day as well.
        for name in ("throughline-jaeger-span", "throughline-jaeger-service", "throughline-jaeger-dependencies"):
            declared[name]["template"]["settings"]["index.lifecycle.name"] = "throughline"
    else:
        _logger.warning("This Elasticsearch has no index lifecycle management: spans older than 7 days stay")
    for name, template in declared.items():
        yield f"/_index_template/{name}", template


def _removes_old_lines(client: Client) -> bool:
    return _has(client, "/_data_stream/*/_lifecycle")


def _has(client: Client, path: str) -> bool:
    """Whether this Elasticsearch knows the path: a build without the module answers 400 or 405."""
    try:
        client.ask("GET", path)
    except Unanswered as error:
        if error.status in {400, 404, 405}:
            return False
        raise
    return True


def _wait_for(client: Client) -> None:
    """Elasticsearch answers before it can check a password."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            client.ask("GET", "/_cluster/health?wait_for_status=yellow&timeout=5s")
        except Unanswered as error:
            if time.monotonic() > deadline:
                raise
            _logger.info("Waiting: %s", error)
            time.sleep(1)
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
