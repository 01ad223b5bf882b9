"""NGINX, the api's colours, the workers and the monitors, as the chart describes them."""

import pytest

OWN = ["nginx", "api", "worker", "monitor"]


def of(objects, kind, part, **labels):
    """Those of a part, with these labels."""
    wanted = {"app.kubernetes.io/component": part} | labels
    return [
        each
        for each in objects
        if each["kind"] == kind and wanted.items() <= each["metadata"].get("labels", {}).items()
    ]


def pod_of(objects, part):
    return of(objects, "Deployment", part)[0]["spec"]["template"]["spec"]


def environment(pod):
    return {each["name"]: each.get("value") for each in pod["containers"][0]["env"]}


def named(objects, kind, name):
    return next(each for each in objects if each["kind"] == kind and each["metadata"]["name"] == f"throughline-{name}")


def test_a_name_stands_once_in_an_environment(render):
    for part in OWN:
        names = [each["name"] for each in pod_of(render(), part)["containers"][0]["env"]]
        assert sorted(set(names)) == sorted(names)


def test_nginx_asks_the_active_colour_by_names_that_need_one_question_each(render):
    objects = render({"api": {"active": "green", "green": {"enabled": True}}, "clusterDomain": "example.internal"})
    given = environment(pod_of(objects, "nginx"))

    hosts = {name: given[name] for name in ("NGINX_API_HOST", "NGINX_API_BACKUP_HOST", "NGINX_MONITOR_HOST")}
    assert all(host.endswith(".throughline.svc.example.internal.") for host in hosts.values())
    services = {
        name: named(objects, "Service", host.split(".")[0].removeprefix("throughline-")) for name, host in hosts.items()
    }
    assert services["NGINX_API_HOST"]["spec"]["selector"]["colour"] == "green"
    assert services["NGINX_API_BACKUP_HOST"]["spec"]["selector"]["colour"] == "green"
    # One address that stays, where those of pods may be half a minute old.
    assert not any("clusterIP" in service["spec"] for service in services.values())


def test_a_colour_has_a_deployment_a_service_and_a_budget_of_its_own(render):
    objects = render({"api": {"green": {"enabled": True, "tag": "0.2.0"}}})

    for colour, tag in {"blue": "0.1.0", "green": "0.2.0"}.items():
        name = f"api-{colour}"
        deployment = named(objects, "Deployment", name)
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        assert container["image"] == f"throughline/api:{tag}"
        assert {"name": "SERVICE_VERSION", "value": tag} in container["env"]
        for selector in (
            deployment["spec"]["selector"]["matchLabels"],
            named(objects, "Service", name)["spec"]["selector"],
            named(objects, "PodDisruptionBudget", name)["spec"]["selector"]["matchLabels"],
        ):
            assert selector["colour"] == colour


def test_a_colour_s_tag_replaces_that_of_an_image_of_one_s_own(render):
    image = {"image": "registry.example:5000/risk/api:1", "blue": {"tag": "2"}}

    assert pod_of(render({"api": image}), "api")["containers"][0]["image"] == "registry.example:5000/risk/api:2"


@pytest.mark.parametrize("part", ["api", "worker"])
def test_what_is_scaled_has_no_number_of_replicas_that_an_upgrade_would_reset(part, render):
    scaled = render({part: {"autoscaling": {"enabled": True}}})

    assert "replicas" not in of(scaled, "Deployment", part)[0]["spec"]
    assert of(render(), "Deployment", part)[0]["spec"]["replicas"] == 3


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ({}, 45),
        ({"settings": {"WORKER_KILL_SECONDS": 100}}, 110),
        ({"settings": {"WORKER_KILL_SECONDS": 100}, "worker": {"settings": {"WORKER_KILL_SECONDS": 60}}}, 70),
    ],
)
def test_a_worker_has_longer_than_its_own_stop_takes(values, seconds, render):
    assert pod_of(render(values), "worker")["terminationGracePeriodSeconds"] == seconds


def test_what_answers_requests_stays_for_those_that_are_still_sent_to_it(render):
    for part in ("nginx", "api"):
        pod = pod_of(render(), part)
        sleep = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert sleep >= 5
        assert pod["terminationGracePeriodSeconds"] > sleep + 30  # their own drain


def test_no_probe_of_liveness_asks_redis(render):
    for part in ("nginx", "api", "monitor"):
        probe = pod_of(render(), part)["containers"][0]["livenessProbe"]
        assert probe.get("httpGet", {}).get("path", "/health/live") == "/health/live"


def test_the_monitor_takes_so_many_workers_for_complete_as_there_are_at_least(render):
    scaled = {"worker": {"replicas": 5, "autoscaling": {"enabled": True, "from": 4}}}

    assert environment(pod_of(render({"worker": {"replicas": 5}}), "monitor"))["WORKER_REPLICAS"] == "5"
    assert environment(pod_of(render(scaled), "monitor"))["WORKER_REPLICAS"] == "4"


def test_keys_of_the_api_are_a_file_for_those_who_ask_for_them(render):
    objects = render({"apiKeysSecret": "callers"})

    for part in ("api", "monitor"):
        pod = pod_of(objects, part)
        file = environment(pod)["API_KEYS_FILE"]
        mounted = next(
            each for each in pod["containers"][0]["volumeMounts"] if file.startswith(each["mountPath"] + "/")
        )
        volume = next(each for each in pod["volumes"] if each["name"] == mounted["name"])
        assert volume["secret"] == {"secretName": "callers", "items": [{"key": "api-keys", "path": "api-keys"}]}
        assert file == f"{mounted['mountPath']}/api-keys"
    for part in ("worker", "nginx"):
        assert "callers" not in str(pod_of(objects, part))


def test_an_ingress_serves_the_host_by_nginx(render):
    ingress = {"enabled": True, "host": "tasks.example", "className": "public", "tlsSecret": "tasks-tls"}
    spec = of(render({"nginx": {"ingress": ingress}}), "Ingress", "nginx")[0]["spec"]

    assert spec["ingressClassName"] == "public"
    assert spec["tls"] == [{"hosts": ["tasks.example"], "secretName": "tasks-tls"}]
    assert spec["rules"][0]["host"] == "tasks.example"
    backend = spec["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": "throughline-nginx", "port": {"name": "http"}}
    assert of(render(), "Ingress", "nginx") == []


def test_a_node_port_is_that_of_the_values(render):
    service = {"type": "NodePort", "nodePort": 30123, "port": 8000}

    assert named(render({"nginx": {"service": service}}), "Service", "nginx")["spec"]["ports"] == [
        {"name": "http", "port": 8000, "targetPort": "http", "nodePort": 30123}
    ]


@pytest.mark.parametrize(
    ("values", "seen"),
    [
        ({}, "record"),
        ({"demo": {"enabled": True}}, "spans"),
        ({"demo": {"enabled": True}, "otelCollector": {"exportTo": "jaeger:4317"}}, "lines"),
        ({"elasticsearch": {"url": "https://es.example:9200", "adminSecret": "admin"}}, "lines"),
        (
            {
                "elasticsearch": {"url": "https://es.example:9200", "adminSecret": "admin"},
                "filebeat": {"enabled": False},
            },
            "record",
        ),
    ],
)
def test_helm_test_looks_for_the_journey_where_this_release_can_have_it(values, seen, render):
    assert named(render(values), "Pod", "journey-test")["spec"]["containers"][0]["command"][-1] == seen
