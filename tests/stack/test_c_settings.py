"""What compose itself makes of the settings: tests/unit/test_compose_settings.py reads the file without it."""

import json

from tests.stack.stack import Stack
from throughline.settings import ApiSettings, MonitorSettings, NginxSettings, WorkerSettings
from throughline.settings.environment import EnvironmentSettings

READERS: dict[str, type[EnvironmentSettings]] = {
    "nginx": NginxSettings,
    "fastapi": ApiSettings,
    "worker": WorkerSettings,
    "monitor": MonitorSettings,
}
OTHERWISE = {"SERVICE_NODE_NAME", "MONITOR_PORT", "API_KEYS_FILE"}


def test_what_is_set_outside_is_in_each_containers_environment(stack: Stack):
    names = sorted({name.upper() for reader in READERS.values() for name in reader.model_fields} - OTHERWISE)
    given = {name: str(number) for number, name in enumerate(names, start=40)}

    services = json.loads(stack.compose("config", "--format", "json", environment=given))["services"]

    for service, reader in READERS.items():
        expected = {name: given[name] for name in names if name.lower() in reader.model_fields}
        assert expected.items() <= services[service]["environment"].items(), service
