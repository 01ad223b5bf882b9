"""What the Helm chart knows of the settings: which part reads which, of what type, and which must fit each other."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from throughline.settings import (
    ApiSettings,
    MonitorSettings,
    NginxSettings,
    PlaneSettings,
    WorkerSettings,
    together,
)
from throughline.settings.environment import EnvironmentSettings

CHART: Final = Path(__file__).resolve().parents[2] / "deploy" / "helm" / "throughline"

READERS: Final[Mapping[str, type[EnvironmentSettings]]] = {
    "api": ApiSettings,
    "worker": WorkerSettings,
    "monitor": MonitorSettings,
    "nginx": NginxSettings,
    "plane": PlaneSettings,
}

# What the chart gives its processes itself, and the value that says so: in `settings` it would be said twice.
INSTEAD: Final[Mapping[str, str]] = {
    "REDIS_URL": "redis.enabled, or externalRedis for one of yours",
    "HISTORY_URL": "postgres.enabled, or externalPostgres for one of yours",
    "VAR_DIR": "postgres.enabled or externalPostgres: ended tasks are kept in PostgreSQL",
    "API_KEYS_FILE": "apiKeysSecret",
    "ENVIRONMENT": "environment",
    "SERVICE_NODE_NAME": "nothing: it is the pod's name",
    "SERVICE_VERSION": "image.tag",
    "WORKER_CONCURRENCY": "worker.concurrency",
    "WORKER_REPLICAS": "worker.replicas, or worker.autoscaling",
    "MONITOR_HOST": "nothing: it listens on all addresses of its pod",
    "MONITOR_PORT": "nothing: it is always 8084",
    "PROBES_DIR": "nothing: the chart's probes look at it",
    "API_URL": "nothing: it is the release's own NGINX",
    "SPANS_DIR": "otelCollector.enabled, or otlp.endpoint",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "otlp.endpoint",
    "OTEL_EXPORTER_OTLP_HEADERS": "otlp.headersSecret",
    "ELASTICSEARCH_URL": "elasticsearch.url",
    "ELASTICSEARCH_USER": "elasticsearch.users.reader",
    "ELASTICSEARCH_CA_FILE": "elasticsearch.ca",
    "ELASTICSEARCH_PASSWORD": "existingSecret with the key reader-password",
    "KIBANA_URL": "elasticsearch.kibanaUrl",
    "KIBANA_PUBLIC_URL": "monitor.kibanaPublicUrl",
    "JAEGER_PUBLIC_URL": "monitor.jaegerPublicUrl",
    "API_PUBLIC_URL": "monitor.apiPublicUrl",
}


def settings_file() -> str:
    """files/settings.json, which the templates read."""
    names = {reader: sorted(map(str.upper, settings.model_fields)) for reader, settings in READERS.items()}
    known = {
        "note": "Written by `make docs`; change the settings classes, not this file.",
        "readers": names,
        "instead": {name: INSTEAD[name] for name in sorted(INSTEAD)},
        "orders": [_order(order) for order in together.ORDERS],
    }
    return json.dumps(known, indent=2) + "\n"


def _order(order: together.Order) -> dict[str, Any]:
    fields = {name: field for reader in READERS.values() for name, field in reader.model_fields.items()}
    return {
        "smaller": order.smaller.upper(),
        "smallerDefault": fields[order.smaller].default,
        "larger": order.larger.upper(),
        "largerDefault": fields[order.larger].default,
        "margin": order.margin,
        "mayBeEqual": order.may_be_equal,
        "relation": order.relation,
        "otherwise": order.otherwise,
    }


def schema_file(written_by_hand: str) -> str:
    """values.schema.json with its definitions of the settings anew; the rest of it is written by hand."""
    schema = json.loads(written_by_hand)
    variables = {name: _type(field) for reader in READERS.values() for name, field in _fields(reader).items()}
    definitions = schema["definitions"]
    definitions["variables"] = {name: variables[name] for name in sorted(variables)}
    definitions["settings"] = _object(list(variables))
    for reader in ("api", "worker", "monitor", "nginx"):
        definitions[f"{reader}Settings"] = _object(list(_fields(READERS[reader])))
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _fields(reader: type[EnvironmentSettings]) -> dict[str, dict[str, Any]]:
    return {name.upper(): field for name, field in reader.model_json_schema()["properties"].items()}


def _type(field: Mapping[str, Any]) -> dict[str, Any]:
    """Its type and range. A variable that may be unset is left out of the values instead of being null."""
    said = dict(field) | next(iter(field.get("anyOf", [{}])))
    if said["type"] == "boolean":
        return {"enum": [True, False, "true", "false"]}
    kept = {"type", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    return {name: value for name, value in said.items() if name in kept}


def _object(names: list[str]) -> dict[str, Any]:
    """Those that the chart gives itself pass: templates/_validation.tpl says what to use instead."""
    properties = {
        name: {} if name in INSTEAD else {"$ref": f"#/definitions/variables/{name}"} for name in sorted(names)
    }
    return {"type": "object", "additionalProperties": False, "properties": properties}
