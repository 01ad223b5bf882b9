"""Values that make no sense are refused before anything is installed, with one line that names them."""

from typing import Any

import pytest

from throughline.ledger.history.engine import POOL_SIZE
from throughline.local.chart_settings import INSTEAD, READERS
from throughline.settings import together

PARTS = ["api", "worker", "monitor", "nginx"]

WRONG_ALONE = {
    "a typo in a setting": ({"settings": {"CIRCUT_MAX_DEPTH": 500}}, "CIRCUT_MAX_DEPTH"),
    "a setting that the part does not read": ({"api": {"settings": {"MAX_DELIVERIES": 3}}}, "MAX_DELIVERIES"),
    "a setting out of its range": ({"settings": {"MAX_DELIVERIES": 0}}, "/settings/MAX_DELIVERIES"),
    "a setting of another type": ({"settings": {"CIRCUIT_MAX_DEPTH": "many"}}, "/settings/CIRCUIT_MAX_DEPTH"),
    "a typo at the top": ({"workers": {"replicas": 3}}, "workers"),
    "a typo in a part": ({"worker": {"replica": 3}}, "replica"),
    "a typo deep inside": ({"nginx": {"resources": {"limits": {"mem": "1Gi"}}}}, "mem"),
    "fewer pods than none": ({"nginx": {"replicas": -1}}, "/nginx/replicas"),
    "half a pod": ({"worker": {"replicas": 1.5}}, "/worker/replicas"),
    "no process": ({"worker": {"concurrency": 0}}, "/worker/concurrency"),
    "an unknown environment": ({"environment": "test"}, "/environment"),
    "an unknown colour": ({"api": {"active": "red"}}, "/api/active"),
    "a size that is none": ({"redis": {"storage": {"size": "large"}}}, "/redis/storage/size"),
    "root": ({"postgres": {"runAsUser": 0}}, "/postgres/runAsUser"),
    "a tag that is none": ({"image": {"tag": "a b"}}, "/image/tag"),
    "a number as a tag": ({"image": {"tag": 1.0}}, "/image/tag"),
    "an address without its scheme": ({"elasticsearch": {"url": "es:9200"}}, "/elasticsearch/url"),
    "a password in an address": ({"elasticsearch": {"url": "http://me:secret@es:9200"}}, "/elasticsearch/url"),
    "a port that is none": ({"nginx": {"service": {"port": 70000}}}, "/nginx/service/port"),
}

WRONG_TOGETHER: dict[str, tuple[dict[str, Any], str]] = {
    "two Redis": ({"externalRedis": {"url": "redis://redis:6379/0"}}, "redis.enabled and externalRedis name two Redis"),
    "no Redis": ({"redis": {"enabled": False}}, "set externalRedis.url or externalRedis.existingSecret"),
    "two addresses of Redis": (
        {"redis": {"enabled": False}, "externalRedis": {"url": "redis://redis", "existingSecret": "redis"}},
        "give one of them",
    ),
    "a password of Redis": (
        {"redis": {"enabled": False}, "externalRedis": {"url": "redis://:secret@redis"}},
        "goes into a Secret",
    ),
    "two PostgreSQL": ({"externalPostgres": {"existingSecret": "urls"}}, "set postgres.enabled to false"),
    "no PostgreSQL": ({"postgres": {"enabled": False}}, "set externalPostgres.existingSecret"),
    "more connections than PostgreSQL has": (
        {"api": {"replicas": 30}},
        "postgres.maxConnections (100) must be at least 140",
    ),
    "no active colour": ({"api": {"active": "green"}}, "api.green.enabled is false"),
    "no colour at all": ({"api": {"blue": {"enabled": False}}}, "api.blue.enabled is false"),
    "more at least than at most": (
        {"worker": {"autoscaling": {"from": 5, "to": 4}}},
        "worker.autoscaling.from (5) must be at most worker.autoscaling.to (4)",
    ),
    "a share of nothing": (
        {"api": {"autoscaling": {"enabled": True}, "resources": {"requests": {"cpu": None}}}},
        "set api.resources.requests.cpu",
    ),
    "an Ingress for nobody": ({"nginx": {"ingress": {"enabled": True}}}, "nginx.ingress.host is empty"),
    "a node's port of a Service without": ({"nginx": {"service": {"nodePort": 30080}}}, "set the type to NodePort"),
    "a Redis larger than its pod": (
        {"redis": {"maxmemoryMb": 768}},
        "must be below redis.resources.limits.memory (768Mi)",
    ),
    "a pod of half a gigabyte": (
        {"redis": {"resources": {"limits": {"memory": "0.4G"}}}},
        "redis.maxmemoryMb (400) must be below redis.resources.limits.memory (0.4G)",
    ),
    "a process larger than its pod": (
        {"settings": {"WORKER_MAX_MEMORY_MB": 4096}},
        "WORKER_MAX_MEMORY_MB (4096) must be at most worker.resources.limits.memory (2Gi)",
    ),
    "a request above its limit": (
        {"monitor": {"resources": {"requests": {"memory": "1Gi"}}}},
        "monitor.resources asks for memory of 1Gi and allows 192Mi",
    ),
    "log lines for nobody": ({"filebeat": {"enabled": True}}, "set elasticsearch.url or demo.enabled"),
    "a Kibana of nothing": ({"elasticsearch": {"kibanaUrl": "https://kibana"}}, "set elasticsearch.url too"),
    "headers for nobody": ({"otlp": {"headersSecret": "otlp"}}, "otlp.headersSecret is set without otlp.endpoint"),
    "spans for two": (
        {"otlp": {"endpoint": "https://otlp"}, "otelCollector": {"exportTo": "tempo:4317"}},
        "give one of them",
    ),
    "names that would be cut off": ({"fullnameOverride": "a" * 41}, "longer than 40 characters"),
    "names that begin with a digit": ({"fullnameOverride": "1a"}, "a letter first"),
}


def test_as_many_connections_as_a_process_keeps_are_counted():
    """The text above counts four for each."""
    assert POOL_SIZE == 4


@pytest.mark.parametrize(("values", "named"), WRONG_ALONE.values(), ids=WRONG_ALONE)
def test_a_value_that_is_wrong_alone_is_named(values, named, refused):
    assert named in refused(values)


@pytest.mark.parametrize(("values", "told"), WRONG_TOGETHER.values(), ids=WRONG_TOGETHER)
def test_values_that_do_not_go_together_are_refused_with_what_to_do(values, told, refused):
    line = refused(values).splitlines()[0]

    assert told in line
    assert "secret@" not in line


def each_order_broken():
    """For each part that reads both of two settings: values that do not fit, and the line of the process itself."""
    for part in PARTS:
        fields = READERS[part].model_fields
        for order in together.ORDERS:
            if order.smaller in fields and order.larger in fields:
                smaller = fields[order.smaller].default
                values = {order.smaller: smaller + order.may_be_equal, order.larger: smaller + order.margin}
                yield pytest.param(part, values, together.broken(values)[0], id=f"{part}-{order.smaller}")


@pytest.mark.parametrize(("part", "values", "line"), list(each_order_broken()))
def test_settings_that_do_not_go_together_are_refused_as_their_process_would(part, values, line, refused):
    settings = {name.upper(): value for name, value in values.items()}

    assert f"Wrong setting: {line}" in refused({part: {"settings": settings}})


@pytest.mark.parametrize("name", sorted(INSTEAD))
def test_what_the_chart_gives_is_refused_among_the_settings_with_what_to_use(name, refused):
    assert f"settings: {name} is given by the chart. Use {INSTEAD[name]}." in refused({"settings": {name: "x"}})
