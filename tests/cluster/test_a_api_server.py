"""The cluster's API server takes all that the chart can make: it checks as for an installation, and keeps nothing."""

import json
from typing import Any

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.release import CHART

_VALUES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "everything in the chart": {
        "demo": {"enabled": True},
        "api": {"autoscaling": {"enabled": True}, "green": {"enabled": True}},
        "worker": {"autoscaling": {"enabled": True}},
        "nginx": {"service": {"type": "NodePort"}, "ingress": {"enabled": True, "host": "tasks.example.com"}},
        "filebeat": {"namespace": {"name": "default", "create": False}},
    },
    "servers of one's own": {
        "redis": {"enabled": False},
        "externalRedis": {"url": "rediss://redis.example.com:6379/0"},
        "postgres": {"enabled": False},
        "externalPostgres": {"existingSecret": "my-history"},
        "elasticsearch": {"url": "https://es.example.com:9200", "adminSecret": "my-elasticsearch"},
        "otelCollector": {"enabled": False},
        "otlp": {"endpoint": "https://otlp.example.com", "headersSecret": "my-otlp"},
        "filebeat": {"namespace": {"name": "default", "create": False}},
        "apiKeysSecret": "my-keys",
        "networkPolicy": {"extraEgress": [{"to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}]}]},
    },
}


@pytest.mark.parametrize("values", _VALUES.values(), ids=_VALUES.keys())
def test_it_takes_what_the_chart_makes(values: dict[str, Any], tmp_path):
    cluster = Cluster()
    file = tmp_path / "values.json"
    file.write_text(json.dumps(values))
    served = [f"--api-versions={api}" for api in cluster.kubectl("api-versions").split()]
    served += ["--api-versions=keda.sh/v1alpha1/ScaledObject"] if "--api-versions=keda.sh/v1alpha1" in served else []

    objects = cluster.helm("template", "tried", CHART, "-n", "default", "-f", str(file), *served)

    taken = cluster.kubectl("apply", "--dry-run=server", "-n", "default", "-f", "-", text=objects, seconds=120)
    assert "deployment.apps/tried-throughline-worker created (server dry run)" in taken
