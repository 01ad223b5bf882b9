"""What the chart makes of the plane: whose lines are shipped, where spans go, and what replaces its own servers."""

import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command import ROOT

Objects = list[dict[str, Any]]
OPERATOR = "monitoring.coreos.com/v1/ServiceMonitor"
DEMO = {"demo": {"enabled": True}}
THEIRS = {
    "elasticsearch": {"url": "https://es.example.com:9200", "adminSecret": "admin", "ca": "-----BEGIN CERTIFICATE-----"}
}


def named(objects: Objects, kind: str, name: str) -> dict[str, Any]:
    (found,) = [each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, f"throughline-{name}")]
    return found


def names(objects: Objects, *kinds: str) -> set[str]:
    return {each["metadata"]["name"].removeprefix("throughline-") for each in objects if each["kind"] in kinds}


def pod(objects: Objects, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = named(objects, kind, name)["spec"]["template"]["spec"]
    return found


def environment(container: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container["env"]}


def is_read(objects: Objects, path: str) -> bool:
    """However it tells files apart."""
    data = named(objects, "ConfigMap", "filebeat")["data"]
    inputs = [yaml.safe_load(data[f"{identity}.yml"])["filebeat.inputs"][0] for identity in ("fingerprint", "native")]
    patterns = [each["prospector.scanner.include_files"] for each in inputs]
    assert patterns[0] == patterns[1]
    return any(re.search(pattern, path) for pattern in patterns[0])


@pytest.mark.parametrize(
    "path",
    [
        "throughline_throughline-nginx-748988c89d-qnwkh_1fbeab83-3212/nginx/0.log",
        "throughline_throughline-api-blue-58f7f48467-dz2kl_1fbeab83-3212/api/3.log",
        "throughline_throughline-api-green-58f7f48467-dz2kl_1fbeab83-3212/api/0.log",
        "throughline_throughline-worker-6df89dc5d-9jrp9_1fbeab83-3212/worker/0.log.20261126-030236",
        "throughline_throughline-monitor-bcbd8d7d8-hdn6v_1fbeab83-3212/monitor/0.log",
        "throughline_throughline-redis-0_1fbeab83-3212/redis/0.log",
    ],
)
def test_lines_of_the_nine_are_shipped_also_from_rotated_files(path, render):
    assert is_read(render(DEMO), f"/var/log/pods/{path}")


@pytest.mark.parametrize(
    "path",
    [
        "throughline-filebeat_throughline-nginx-748988c89d-qnwkh_1fbeab83-3212/nginx/0.log",  # a longer namespace
        "other_throughline-nginx-748988c89d-qnwkh_1fbeab83-3212/nginx/0.log",
        "throughline_throughline-worker-nginx-748988c89d-qnwkh_1fbeab83-3212/nginx/0.log",  # another release
        "throughline_throughline-worker-redis-0_1fbeab83-3212/redis/0.log",
        "throughline_my-throughline-nginx-748988c89d-qnwkh_1fbeab83-3212/nginx/0.log",
        "throughline_throughline-nginx-748988c89d-qnwkh_1fbeab83-3212/spans/0.log",  # the sidecar
        "throughline_throughline-elasticsearch-0_1fbeab83-3212/elasticsearch/0.log",
        "throughline_throughline-worker-6df89dc5d-9jrp9_1fbeab83-3212/worker/0.log.20261126-030236.gz",
        "throughline_throughline-worker-6df89dc5d-9jrp9_1fbeab83-3212/worker/0.log.20261126-030236.tmp",
    ],
)
def test_lines_of_others_are_not(path, render):
    assert not is_read(render(DEMO), f"/var/log/pods/{path}")


def test_without_an_elasticsearch_no_line_is_shipped_and_spans_are_counted(render):
    objects = render()

    assert names(objects, "DaemonSet", "Job", "Namespace") == {"history-1"}
    (collector,) = pod(objects, "Deployment", "otel-collector")["containers"]
    assert environment(collector) == {"SPANS_EXPORTER": "file/nowhere"}


def test_with_the_demo_spans_go_to_its_jaeger(render):
    (collector,) = pod(render(DEMO), "Deployment", "otel-collector")["containers"]

    assert environment(collector) == {"SPANS_ENDPOINT": "throughline-jaeger:4317"}


def test_nginxs_spans_are_sent_on_by_a_container_that_ends_after_it(render):
    (sidecar,) = pod(render(), "Deployment", "nginx")["initContainers"]

    assert sidecar["restartPolicy"] == "Always"
    assert environment(sidecar)["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://throughline-otel-collector:4318"


def test_a_backend_of_ones_own_takes_the_collectors_place_for_all(render):
    objects = render(DEMO | {"otlp": {"endpoint": "https://otlp.example.com", "headersSecret": "headers"}})

    assert not {"otel-collector", "jaeger"} & names(objects, "Deployment", "Service", "ConfigMap")
    (sidecar,) = pod(objects, "Deployment", "nginx")["initContainers"]
    assert environment(sidecar)["OTEL_EXPORTER_OTLP_ENDPOINT"] == "https://otlp.example.com"
    assert environment(sidecar)["SPANS_HEADERS"] == {"secretKeyRef": {"name": "headers", "key": "headers-yaml"}}
    for part in ("api-blue", "worker"):
        (process,) = pod(objects, "Deployment", part)["containers"]
        assert environment(process)["OTEL_EXPORTER_OTLP_ENDPOINT"] == "https://otlp.example.com"


def test_without_a_collector_nginx_has_no_sidecar(render):
    assert "initContainers" not in pod(render({"otelCollector": {"enabled": False}}), "Deployment", "nginx")


def test_an_elasticsearch_of_ones_own_takes_the_demos_place(render):
    objects = render(DEMO | THEIRS)

    assert not {"elasticsearch", "kibana"} & names(objects, "StatefulSet", "Deployment")
    (filebeat,) = pod(objects, "DaemonSet", "filebeat")["containers"]
    assert environment(filebeat)["ELASTICSEARCH_URL"] == "https://es.example.com:9200"
    assert "output.elasticsearch.ssl.certificate_authorities=/etc/filebeat/ca.crt" in filebeat["command"]
    for kind, name in (("Deployment", "monitor"), ("Deployment", "log-lag"), ("Job", "setup-1")):
        (process,) = pod(objects, kind, name)["containers"]
        assert environment(process)["ELASTICSEARCH_CA_FILE"] == "/etc/elasticsearch-ca/ca.crt"
        assert "/etc/elasticsearch-ca" in [each["mountPath"] for each in process["volumeMounts"]]


def test_its_administrator_declares_users_and_its_kibana_keeps_its_password(render):
    (setup,) = pod(render(THEIRS), "Job", "setup-1")["containers"]

    assert environment(setup)["ELASTICSEARCH_USER"] == {"secretKeyRef": {"name": "admin", "key": "username"}}
    assert environment(setup)["KIBANA_PASSWORD"] == ""


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"elasticsearch": {"url": "https://es.example.com"}}, "set elasticsearch.adminSecret"),
        ({"elasticsearch": {"url": "https://es.example.com", "setup": False}}, "existingSecret must name the Secret"),
        (
            {
                "existingSecret": "passwords",
                "elasticsearch": {
                    "url": "https://es.example.com",
                    "setup": False,
                    "kibanaUrl": "https://kibana.example.com",
                },
            },
            "import dashboards",
        ),
    ],
)
def test_an_elasticsearch_that_nobody_could_log_in_to_is_refused(values, told, refused):
    assert told in refused(values)


def test_prometheus_scrapes_the_same_jobs_as_composes(render):
    compose = yaml.safe_load((ROOT / "observability" / "prometheus" / "prometheus.yml").read_text())
    jobs = [each["job_name"] for each in compose["scrape_configs"] if each["job_name"] != "alertmanager"]
    files = named(render(DEMO), "ConfigMap", "prometheus")["data"]
    found = {each["job_name"]: each for each in yaml.safe_load(files["prometheus.yml"])["scrape_configs"]}

    assert list(found) == jobs
    assert found["monitor"]["dns_sd_configs"][0]["names"] == ["throughline-monitor"]
    assert found["spans"]["honor_labels"]
    assert files["rules.yml"].strip() == (ROOT / "observability" / "prometheus" / "rules.yml").read_text().strip()


def test_the_operators_objects_are_made_where_its_kinds_are_known(render):
    kinds = ("ServiceMonitor", "PrometheusRule")
    assert not names(render(DEMO), *kinds)
    assert not names(render(DEMO | {"prometheus": {"operator": False}}, OPERATOR), *kinds)
    objects = render(DEMO | {"prometheus": {"labels": {"release": "mine"}}}, OPERATOR)

    rules = yaml.safe_load((ROOT / "observability" / "prometheus" / "rules.yml").read_text())
    (rule,) = [each for each in objects if each["kind"] == "PrometheusRule"]
    assert rule["spec"] == rules
    assert rule["metadata"]["labels"]["release"] == "mine"
    assert names(objects, "ServiceMonitor") == {"monitor", "spans", "otel-collector", "log-lag"}


def test_a_service_monitor_finds_the_port_that_it_names(render):
    objects = render(DEMO, OPERATOR)
    for monitor in [each for each in objects if each["kind"] == "ServiceMonitor"]:
        (endpoint,) = monitor["spec"]["endpoints"]
        (kept,) = [each["regex"] for each in endpoint["relabelings"] if each["action"] == "keep"]
        service = named(objects, "Service", kept.removeprefix("throughline-"))
        assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]


def test_grafana_is_given_composes_dashboard(render):
    found = named(render(), "ConfigMap", "grafana")

    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    text = (ROOT / "dashboards" / "grafana" / "overview.json").read_text()
    assert found["data"]["throughline-overview.json"].strip() == text.strip()


def test_a_packaged_chart_holds_the_files_that_it_shares_with_compose(tmp_path: Path):
    command = ["helm", "package", str(ROOT / "deploy" / "helm" / "throughline"), "--destination", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    (package,) = tmp_path.glob("*.tgz")
    with tarfile.open(package) as archive:
        held = {name: archive.extractfile(name).read() for name in archive.getnames()}  # type: ignore[union-attr]
    for inside, outside in {
        "prometheus/rules.yml": "observability/prometheus/rules.yml",
        "filebeat/filebeat.yml": "observability/filebeat/filebeat.yml",
        "otel-collector/nginx.yaml": "observability/otel-collector/nginx.yaml",
        "jaeger/config.yaml": "observability/jaeger/config.yaml",
        "overview.json": "dashboards/grafana/overview.json",
    }.items():
        assert held[f"throughline/files/{inside}"] == (ROOT / outside).read_bytes()
